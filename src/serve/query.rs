//! `POST /api/query`: the songs that fit.

use super::{
    Answer, Shared,
    answer::{Failure, Reply, blocking, json},
    shelf::Opened,
    songs::check_rows,
};
use crate::{
    emotion::{CENTER, Emotion, EmotionVector, Expression, FaceMap, SCALE_MAX, TYPICAL_DEVIATION},
    error::{Error, Result},
    library::{Column, Columns, Group, Library, Song},
    search::{Filter, Metric, Query, QueryVector, SongVector, parse_target, point, song_at},
};
use axum::extract::{Request, State};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    num::NonZeroUsize,
};

/// Songs without a `k`.
const DEFAULT_COUNT: usize = 5;
/// Songs at most.
const MOST: usize = 1000;

/// A request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    emotions: Option<BTreeMap<String, f64>>,
    vector: Option<Vec<f64>>,
    point: Option<Point>,
    like: Option<Vec<u64>>,
    face: Option<BTreeMap<String, f64>>,
    text: Option<String>,
    k: Option<usize>,
    r#where: Option<String>,
    by: Option<String>,
    #[serde(default)]
    relative: bool,
    metric: Option<String>,
    limit_per_artist: Option<NonZeroUsize>,
    limit_per_album: Option<NonZeroUsize>,
    #[serde(default)]
    one_per_title: bool,
    #[serde(default)]
    exclude: Vec<u64>,
    lead: Option<Lead>,
    generation: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    valence: f64,
    arousal: f64,
    spread: Option<f64>,
}

/// Where a mood shift leads.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lead {
    Text(String),
    Emotions(BTreeMap<String, f64>),
}

/// The one question of a request.
enum Question {
    Emotions(EmotionVector),
    Face(EmotionVector),
    Point(EmotionVector, [f64; 2]),
    Like(Vec<u64>),
}

impl Question {
    /// Whether it asks how music feels: emotions by name, or a face.
    fn is_felt(&self, asked: &Asked) -> bool {
        match self {
            Self::Face(_) => true,
            Self::Emotions(_) => asked.vector.is_none(),
            _ => false,
        }
    }
}

type Checked<T> = std::result::Result<T, Failure>;

/// Names the field of a request that an error is about.
fn field<T>(name: &'static str, value: Result<T>) -> Checked<T> {
    value.map_err(|error| Failure::invalid(format!("{name}: {error}")).of(name))
}

impl Asked {
    fn question(&self) -> Checked<Question> {
        let given = [
            self.emotions.is_some(),
            self.vector.is_some(),
            self.point.is_some(),
            self.like.is_some(),
            self.face.is_some(),
            self.text.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err(Failure::invalid(
                "expected one question: emotions, vector, point, like, face or text",
            ));
        }
        if let Some(emotions) = &self.emotions {
            return field("emotions", named(emotions)).map(Question::Emotions);
        }
        if let Some(numbers) = &self.vector {
            return field("vector", vector(numbers)).map(Question::Emotions);
        }
        if let Some(at) = &self.point {
            let spread = at.spread.unwrap_or(TYPICAL_DEVIATION);
            let emotions = field("point", point(at.valence, at.arousal, spread))?;
            return Ok(Question::Point(emotions, [at.valence, at.arousal]));
        }
        if let Some(face) = &self.face {
            return field("face", face_emotions(face)).map(Question::Face);
        }
        if let Some(text) = &self.text {
            return field("text", parse_target(text)).map(Question::Emotions);
        }
        let rows = self.like.clone().unwrap_or_default();
        if rows.is_empty() {
            return Err(Failure::invalid("like: name at least one song").of("like"));
        }
        Ok(Question::Like(rows))
    }

    fn query(&self, question: &Question, opened: &Opened) -> Checked<Query> {
        let has_felt = opened.summary()?.has_felt;
        let by = match &self.by {
            Some(name) => choice::<SongVector>("by", name)?,
            None if has_felt && question.is_felt(self) => SongVector::Felt,
            None => SongVector::Emotions,
        };
        if by == SongVector::Felt && !has_felt {
            let message = "by: the model of the library did not learn what listeners feel; ask by \"emotions\"";
            return Err(Failure::invalid(message).of("by"));
        }
        let metric = match &self.metric {
            Some(name) => choice::<Metric>("metric", name)?,
            None => Metric::default(),
        };
        if self.relative && metric == Metric::Embedding {
            let message = "relative: it compares percentages; choose another metric than embedding";
            return Err(Failure::invalid(message).of("relative"));
        }
        let condition = self.r#where.as_deref().map(str::trim);
        let condition = condition.filter(|text| !text.is_empty());
        Ok(Query {
            metric,
            by,
            relative_to: match self.relative {
                true => Some(opened.mean(by)?),
                false => None,
            },
            filter: field("where", condition.map(str::parse::<Filter>).transpose())?,
            per_artist: self.limit_per_artist,
            per_album: self.limit_per_album,
            one_per_title: self.one_per_title,
            tags: true,
            ..Query::default()
        })
    }

    fn lead(&self) -> Checked<Option<QueryVector>> {
        let target = self.lead.as_ref().map(|lead| match lead {
            Lead::Text(text) => parse_target(text),
            Lead::Emotions(emotions) => named(emotions),
        });
        Ok(field("lead", target.transpose())?.map(QueryVector::from))
    }
}

/// A value of an option of the command line, by its name there.
fn choice<T: clap::ValueEnum>(field: &'static str, name: &str) -> Checked<T> {
    T::from_str(name, false).map_err(|_| {
        let values = T::value_variants().iter();
        let names: Vec<String> = values
            .filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned()))
            .collect();
        let message = format!(
            "{field}: expected one of {}, found {name:?}",
            names.join(", ")
        );
        Failure::invalid(message).of(field)
    })
}

/// The vector of emotions by name, in any unit.
fn named(emotions: &BTreeMap<String, f64>) -> Result<EmotionVector> {
    let mut weights = [0.0; Emotion::COUNT];
    for (name, weight) in emotions {
        weights[name.parse::<Emotion>()?.index()] += weight;
    }
    EmotionVector::from_weights(weights)
}

fn vector(numbers: &[f64]) -> Result<EmotionVector> {
    let weights = numbers.try_into().map_err(|_| {
        let names = Emotion::ALL.map(Emotion::name).join(", ");
        let found = numbers.len();
        Error::invalid(format!(
            "expected eight numbers, in the order {names}; found {found}"
        ))
    })?;
    EmotionVector::from_weights(weights)
}

/// The emotions of a face with these expressions.
fn face_emotions(expressions: &BTreeMap<String, f64>) -> Result<EmotionVector> {
    FaceMap::default().mix(&expression_weights(expressions)?)
}

/// The weights of expressions by name, in their order.
pub(super) fn expression_weights(
    expressions: &BTreeMap<String, f64>,
) -> Result<[f64; Expression::COUNT]> {
    let mut weights = [0.0; Expression::COUNT];
    for (name, weight) in expressions {
        weights[name.parse::<Expression>()?.index()] += weight;
    }
    Ok(weights)
}

pub(super) async fn query(State(server): State<Shared>, request: Request) -> Answer {
    let asked: Asked = json(request).await?;
    let opened = server.shelf.checked(asked.generation)?;
    let answer = blocking(move || Ok(answer(&asked, &opened)));
    Reply::json(&answer.await??)
}

fn answer(asked: &Asked, opened: &Opened) -> Checked<Value> {
    let library = opened.library()?;
    let question = asked.question()?;
    check_rows(&asked.exclude, library, "exclude")?;
    let lead = asked.lead()?;
    let count = asked.k.unwrap_or(DEFAULT_COUNT);
    let Some(count) = NonZeroUsize::new(count).filter(|count| count.get() <= MOST) else {
        let message = format!("k: expected 1 to {MOST} songs, found {count}");
        return Err(Failure::invalid(message).of("k"));
    };
    let songs = usize::try_from(library.rows()).unwrap_or(usize::MAX);
    let Some(songs) = NonZeroUsize::new(songs) else {
        let message = "no songs yet: `circumplex analyze MUSIC` fills the library";
        return Err(Failure::new(axum::http::StatusCode::CONFLICT, message));
    };
    let query = asked.query(&question, opened)?;
    let mut vector = match &question {
        Question::Emotions(emotions) | Question::Face(emotions) | Question::Point(emotions, _) => {
            (*emotions).into()
        }
        Question::Like(rows) => like(opened, rows, &query)?,
    };
    vector.excluded_rows.extend(&asked.exclude);
    vector.excluded_rows.sort_unstable();
    vector.excluded_rows.dedup();
    let count = count.min(songs);
    let found = match &lead {
        Some(target) => query.shift(library, &vector, target, count),
        None => query.nearest(library, &vector, count),
    };
    let found = found?;
    let emotions = EmotionVector::from_weights(vector.target)?;
    let place = match &question {
        Question::Point(_, place) => *place,
        Question::Like(rows) => mean_place(library, rows)?,
        _ => place_of(&emotions),
    };
    let tail = match (&lead, query.metric, &question) {
        (Some(_), ..) => "",
        (_, Metric::Embedding, _) => ", and sounds alike",
        (.., Question::Face(_)) => ", as you",
        (.., Question::Like(_)) => ", as what you chose",
        _ => ", as you asked",
    };
    let weights = match &lead {
        // On the way from one feeling to another each song has its own.
        Some(_) => [1.0; Emotion::COUNT],
        None => vector.target,
    };
    let songs: Vec<Value> = found
        .iter()
        .map(|found| {
            let song = &found.song;
            let compared = query.by.of(song).unwrap_or(song.emotions);
            json!({
                "row": found.row,
                "similarity": found.similarity,
                "title": song.shown_title(),
                "artist": song.artist,
                "album": song.album,
                "duration_s": song.duration_s,
                "valence": song.valence,
                "arousal": song.arousal,
                "emotions": compared.as_array(),
                "reason": reason(&compared, &weights, &query, tail),
            })
        })
        .collect();
    Ok(json!({
        "generation": opened.generation,
        "query": {
            "emotions": emotions,
            "valence": place[0],
            "arousal": place[1],
            "by": query.by.name(),
        },
        "songs": songs,
    }))
}

/// The vector of some songs, which take no part in the answer, and neither do copies of them.
fn like(opened: &Opened, rows: &[u64], query: &Query) -> Checked<QueryVector> {
    let library = opened.library()?;
    check_rows(rows, library, "like")?;
    let songs = rows.iter().map(|row| song_at(library, *row));
    let songs = field("like", songs.collect::<Result<Vec<_>>>())?;
    let vector = field("like", QueryVector::like(&songs, query))?;
    let missing = || Failure::invalid("like: name at least one song").of("like");
    let mut vector = vector.ok_or_else(missing)?;
    let copies = opened.copies()?;
    vector.excluded_rows = songs.iter().flat_map(|song| copies.rows_of(song)).collect();
    Ok(vector)
}

/// The rows of every path and content, by which copies of a song are found without reading the library: hashes with rows, sorted.
/// Of a million songs, two different ones have the same hash with a probability of 1 in 10 million.
pub(super) struct Copies(Vec<(u64, u64)>);

impl Copies {
    pub(super) fn of(library: &Library) -> Result<Self> {
        let columns = Columns::FILE.with(Column::ContentHash);
        let groups: Vec<Group> = library.groups().collect();
        let parts: Vec<Vec<(u64, u64)>> = groups
            .par_iter()
            .map(|group| {
                let mut part = Vec::new();
                for batch in library.batches(group, columns, None) {
                    let (first_row, batch) = batch?;
                    let songs = library.file_of(first_row).songs_of(first_row, &batch)?;
                    for (row, mut song) in (first_row..).zip(songs) {
                        song.path = song.unique_path().into_owned();
                        part.extend(Self::keys(&song).map(|key| (key, row)));
                    }
                }
                Ok(part)
            })
            .collect::<Result<_>>()?;
        let mut all = parts.concat();
        all.sort_unstable();
        Ok(Self(all))
    }

    /// The hashes of a song whose path is unique.
    fn keys(song: &Song) -> impl Iterator<Item = u64> {
        let path = Some(("path", song.path.as_os_str().as_encoded_bytes()));
        let content = song.content_hash.as_ref();
        let content = content.map(|hash| ("content", hash.as_bytes()));
        path.into_iter().chain(content).map(|key| {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            hasher.finish()
        })
    }

    /// The rows of a song and of its copies.
    fn rows_of(&self, song: &Song) -> Vec<u64> {
        let mut rows = Vec::new();
        for key in Self::keys(song) {
            let first = self.0.partition_point(|(known, _)| *known < key);
            let same = self.0[first..]
                .iter()
                .take_while(|(known, _)| *known == key);
            rows.extend(same.map(|(_, row)| row));
        }
        rows
    }
}

/// The mean valence and arousal of some songs.
fn mean_place(library: &Library, rows: &[u64]) -> Result<[f64; 2]> {
    let columns = Columns::of(&[Column::Valence, Column::Arousal]);
    let songs = library.songs_at(rows, columns)?;
    let count = songs.len().max(1) as f64;
    let mean =
        |of: fn(&Song) -> f32| songs.iter().map(|song| f64::from(of(song))).sum::<f64>() / count;
    Ok([mean(|song| song.valence), mean(|song| song.arousal)])
}

/// Where emotions lie on the plane: the mean of the directions of their sectors, all of one emotion at the edge.
pub(super) fn place_of(emotions: &EmotionVector) -> [f64; 2] {
    let mut place = [CENTER; 2];
    for (emotion, percent) in emotions.iter() {
        let angle = (emotion.index() as f64 + 0.5) * std::f64::consts::FRAC_PI_4;
        let length = (SCALE_MAX - CENTER) * f64::from(percent) / 100.0;
        place[0] += length * angle.cos();
        place[1] += length * angle.sin();
    }
    place
}

/// The emotion by which a song fits most: `59 % happy, as you`. Where it has nothing of what was asked, its own.
fn reason(
    song: &EmotionVector,
    weights: &[f64; Emotion::COUNT],
    query: &Query,
    tail: &str,
) -> String {
    let shares = song.as_array().map(f64::from);
    let compared = query
        .relative_to
        .map_or(shares, |mean| mean.relative(shares));
    let fit = |emotion: &Emotion| compared[emotion.index()] * weights[emotion.index()];
    let best = Emotion::ALL
        .into_iter()
        .max_by(|a, b| fit(a).total_cmp(&fit(b)));
    match best.map(|emotion| (song.get(emotion), emotion)) {
        Some((share @ 0.5.., emotion)) => format!("{share:.0} % {emotion}{tail}"),
        _ => format!("{:.0} % {}", song.get(song.strongest()), song.strongest()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::test_songs::{a_library, a_song};

    #[test]
    fn copies_have_the_same_path_or_content() {
        let mut songs: Vec<Song> = (0..6).map(a_song).collect();
        songs[3].content_hash = songs[1].content_hash.clone();
        songs[5].path = songs[1].path.clone();
        songs[2].content_hash = None;
        songs[4].content_hash = None;
        let (_directory, library) = a_library(4, songs.clone());
        let copies = Copies::of(&library).unwrap();
        let rows_of = |row: usize| {
            let mut rows = copies.rows_of(&songs[row]);
            rows.sort_unstable();
            rows.dedup();
            rows
        };
        assert_eq!(rows_of(1), [1, 3, 5]);
        assert_eq!(rows_of(2), [2]);
    }

    #[test]
    fn emotions_lie_in_their_sectors() {
        for (n, [valence, arousal]) in [(0, [8.7, 6.5]), (3, [1.3, 6.5]), (6, [6.5, 1.3])] {
            let mut weights = [0.0; 8];
            weights[n] = 1.0;
            let place = place_of(&EmotionVector::from_weights(weights).unwrap());
            assert!((place[0] - valence).abs() < 0.1 && (place[1] - arousal).abs() < 0.1);
        }
        let even = place_of(&EmotionVector::even());
        assert!(even.iter().all(|number| (number - CENTER).abs() < 1e-9));
    }
}
