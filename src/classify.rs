//! Classes of a person's own, such as genres: learned from the embeddings of a few labeled songs, given to all.

mod regression;

use crate::{
    Error, ErrorKind, Result,
    dataset::{ClassLabels, Units, artist_key},
    evaluate::multilabel::{Counts, LabelScores},
    library::{Column, Columns, Library, Song},
    output::{Cell, Extra},
    search::find_each,
};
use arrow_schema::DataType;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use regression::Regression;
use serde::Serialize;
use std::collections::HashMap;

/// Settings of a [`Classifier`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassifyOptions {
    /// Strength of the L2 penalty, above 0: `penalty` / 2 times the sum of the squared weights is added to the sum of the songs'
    /// negative log-likelihoods. It is scikit-learn's 1 / C.
    pub penalty: f64,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Seed of the division into folds.
    pub seed: u64,
}

impl Default for ClassifyOptions {
    fn default() -> Self {
        Self {
            penalty: 30.0,
            folds: 5,
            seed: 1,
        }
    }
}

/// Multinomial logistic regression from a library's embeddings to a person's classes, with its cross-validated scores.
#[derive(Debug, Clone)]
pub struct Classifier {
    regression: Regression,
    classes: Vec<String>,
    /// The classes of the labeled songs by their rows.
    labels: HashMap<u64, usize>,
    scores: ClassScores,
    skipped: Vec<String>,
}

/// Scores of a [`Classifier`] on songs that it was not fitted to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScores {
    /// Number of labeled songs.
    pub songs: usize,
    /// Number of groups of songs that stayed together, because they have the same artist or content.
    pub groups: usize,
    /// Number of labeled songs without an artist, each a group of its own.
    pub without_artist: usize,
    /// Number of folds.
    pub folds: usize,
    /// The penalty.
    pub penalty: f64,
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean of the classes' F1, 0 to 1.
    pub macro_f1: f64,
    /// The scores of always answering the class with the most songs.
    pub baseline: ClassBaseline,
    /// The scores of each class, by name.
    pub classes: Vec<ClassScore>,
    /// Number of songs by true class and, within that, given class.
    pub confusion: Vec<Vec<usize>>,
}

/// Scores of always answering the class with the most training songs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassBaseline {
    /// The class with the most songs.
    pub class: String,
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean of the classes' F1, 0 to 1.
    pub macro_f1: f64,
}

/// Scores of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScore {
    /// Its name.
    pub class: String,
    /// Number of labeled songs.
    pub songs: usize,
    /// Share of the songs given this class that have it, 0 to 1.
    pub precision: f64,
    /// Share of the class's songs that were given it, 0 to 1.
    pub recall: f64,
    /// Harmonic mean of precision and recall, 0 to 1.
    pub f1: f64,
    /// The baseline's F1.
    pub baseline_f1: f64,
}

/// The scores, the labels that were not used, and the identity of the model that made the embeddings: the JSON of
/// `circumplex classify`.
#[derive(Debug, Serialize)]
pub(crate) struct ClassReport<'a> {
    #[serde(flatten)]
    scores: &'a ClassScores,
    skipped: &'a [String],
    model: &'a str,
}

/// A labeled song of the library.
struct Labeled {
    row: u64,
    class: usize,
    embedding: Vec<f32>,
    /// Keys of artist and content; songs that share one stay in one fold.
    artist: Option<String>,
    content: Option<String>,
}

impl Classifier {
    /// Learns the classes of labeled songs, and measures by cross-validation, with no artist on both sides, how well that works.
    ///
    /// Labels that cannot be used are [`skipped`](Self::skipped): songs that the library lacks, silent ones, and classes with songs of
    /// a single artist.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a penalty that is not above 0 or fewer than 2 folds, [`ErrorKind::Library`] if the library
    /// cannot be read or has no embeddings, [`ErrorKind::Dataset`] if a song has two labels, no label fits the library, or fewer
    /// than two classes are left.
    pub fn train(
        library: &Library,
        labels: &ClassLabels,
        options: &ClassifyOptions,
    ) -> Result<Self> {
        if !(options.penalty.is_finite() && options.penalty > 0.0) {
            let found = options.penalty;
            return Err(Error::invalid(format!(
                "penalty: expected a number above 0, found {found}"
            )));
        }
        if options.folds < 2 {
            let found = options.folds;
            return Err(Error::invalid(format!(
                "folds: expected at least 2, found {found}"
            )));
        }
        if library.embedding_length()? == 0 {
            let message = "has no embeddings, from which classes are learned; analyze the music with `circumplex analyze`";
            return Err(Error::new(ErrorKind::Library, message).with_path(library.name()));
        }
        let mut skipped = Vec::new();
        let (classes, songs) = labeled_songs(library, labels, &mut skipped)?;
        let (classes, songs) = without_small_classes(classes, songs, &mut skipped);
        if classes.len() < 2 {
            let found = match classes.first() {
                Some(class) => format!("only {class:?}"),
                None => "none".to_owned(),
            };
            let hint = match &skipped[skipped.len().saturating_sub(2)..] {
                [] => String::new(),
                last => format!(" (skipped: {})", last.join("; ")),
            };
            return Err(error(
                labels,
                format!(
                    "expected at least two classes with songs of two artists each, found {found}{hint}; label more songs"
                ),
            ));
        }
        let scores = cross_validate(&classes, &songs, options);
        Ok(Self {
            regression: fit(&songs, classes.len(), options.penalty),
            labels: songs.iter().map(|song| (song.row, song.class)).collect(),
            classes,
            scores,
            skipped,
        })
    }

    /// The classes, by name.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The cross-validated scores.
    pub fn scores(&self) -> &ClassScores {
        &self.scores
    }

    /// The labels that were not used, each with the reason.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The columns `label` (as given), `class` (the label, or else the most probable class) and `probability_CLASS` for each class, with
    /// a value for each row.
    pub(crate) fn columns(&self, probabilities: &[Option<Vec<f32>>]) -> Vec<Extra> {
        let name = |class: usize| Cell::Text(self.classes()[class].clone().into());
        let labels = (0..probabilities.len()).map(|row| match self.label(row as u64) {
            Some(class) => name(class),
            None => Cell::Null,
        });
        let classes = (0..)
            .zip(probabilities)
            .map(|(row, of_song)| match of_song {
                Some(of_song) => name(self.class(row, of_song)),
                None => Cell::Null,
            });
        let text = |name: &'static str, values| Extra {
            name: name.into(),
            data_type: DataType::Utf8,
            values,
        };
        let mut columns = vec![
            text("label", labels.collect()),
            text("class", classes.collect()),
        ];
        for (class, name) in self.classes().iter().enumerate() {
            let values = probabilities.iter().map(|of_song| match of_song {
                Some(of_song) => Cell::Float(of_song[class]),
                None => Cell::Null,
            });
            columns.push(Extra {
                name: format!("probability_{name}").into(),
                data_type: DataType::Float32,
                values: values.collect(),
            });
        }
        columns
    }

    pub(crate) fn report<'a>(&'a self, library: &'a Library) -> ClassReport<'a> {
        ClassReport {
            scores: &self.scores,
            skipped: &self.skipped,
            model: &library.info().model.identity,
        }
    }

    /// The class that a row of the library was labeled with.
    pub fn label(&self, row: u64) -> Option<usize> {
        self.labels.get(&row).copied()
    }

    /// The class of a row with these probabilities: its label, else the most probable class.
    pub fn class(&self, row: u64, probabilities: &[f32]) -> usize {
        self.label(row)
            .unwrap_or_else(|| first_largest(probabilities))
    }

    /// The probability of each class for every song, in the order of the library's rows; `None` for a silent song.
    ///
    /// # Errors
    /// [`ErrorKind::Library`] if the library cannot be read.
    pub fn probabilities(&self, library: &Library) -> Result<Vec<Option<Vec<f32>>>> {
        let columns = Columns::of(&[Column::Embedding, Column::Silent]);
        let of_song = |song: Song| {
            is_usable(&song, self.regression.features()).then(|| {
                let probabilities = self.regression.probabilities(&song.embedding).into_iter();
                probabilities
                    .map(|probability| probability as f32)
                    .collect()
            })
        };
        let songs = library.songs(columns);
        songs.map(|song| song.map(of_song)).collect()
    }
}

fn error(labels: &ClassLabels, message: String) -> Error {
    let error = Error::new(ErrorKind::Dataset, message);
    match &labels.file {
        Some(file) => error.with_path(file),
        None => error,
    }
}

/// Whether a song's embedding means something.
fn is_usable(song: &Song, features: usize) -> bool {
    !song.silent
        && song.embedding.len() == features
        && song.embedding.iter().all(|value| value.is_finite())
}

/// The classes by name, and the labeled songs of the library in the order of its rows.
fn labeled_songs(
    library: &Library,
    labels: &ClassLabels,
    skipped: &mut Vec<String>,
) -> Result<(Vec<String>, Vec<Labeled>)> {
    let mut classes: Vec<String> = labels.songs.iter().map(|song| song.label.clone()).collect();
    classes.sort_unstable();
    classes.dedup();
    let names: Vec<_> = labels.songs.iter().map(|song| song.song.clone()).collect();
    let mut by_row = HashMap::new();
    for (label, found) in labels.songs.iter().zip(find_each(library, &names)?) {
        let place = &label.place;
        match found {
            Ok(Some(row)) => {
                let first = *by_row.entry(row).or_insert(label);
                if first.label != label.label {
                    let message = format!(
                        "{place}: {:?} is labeled {:?}, but {:?} in {}; give each song one label",
                        label.song, label.label, first.label, first.place
                    );
                    return Err(error(labels, message));
                }
            }
            Ok(None) => skipped.push(format!(
                "{place}: {:?} is not in {}; add it with `circumplex analyze`",
                label.song,
                library.name()
            )),
            Err(error) => skipped.push(format!("{place}: {error}")),
        }
    }
    if by_row.is_empty() {
        let first = skipped.first().map_or("", String::as_str);
        let message = format!(
            "none of the {} labeled songs is in {}: {first}",
            labels.songs.len(),
            library.name()
        );
        return Err(error(labels, message));
    }
    let mut rows: Vec<u64> = by_row.keys().copied().collect();
    rows.sort_unstable();
    let columns = Columns::of(&[
        Column::Path,
        Column::Artist,
        Column::Embedding,
        Column::ContentHash,
        Column::Silent,
    ]);
    let features = library.embedding_length()?;
    let mut songs = Vec::new();
    for (row, song) in rows.iter().zip(library.songs_at(&rows, columns)?) {
        let label = by_row[row];
        if !is_usable(&song, features) {
            let reason = match song.silent {
                true => "is silent",
                false => "has no embedding",
            };
            skipped.push(format!("{}: {:?} {reason}", label.place, song.path));
            continue;
        }
        let artist = label.artist.as_ref().or(song.artist.as_ref());
        songs.push(Labeled {
            row: *row,
            class: classes.binary_search(&label.label).unwrap_or_default(),
            embedding: song.embedding,
            artist: artist.map(|artist| artist_key(artist)),
            content: song.content_hash,
        });
    }
    Ok((classes, songs))
}

fn units(songs: &[Labeled], classes: usize) -> Units {
    let keys = songs.iter().map(|song| {
        let artist = song.artist.as_ref().map(|key| (true, key));
        let content = song.content.as_ref().map(|key| (false, key));
        artist.into_iter().chain(content)
    });
    Units::new(keys, songs.iter().map(|song| song.class).collect(), classes)
}

/// Removes the classes that cannot be evaluated, as no song of another artist is left to learn them from.
fn without_small_classes(
    classes: Vec<String>,
    songs: Vec<Labeled>,
    skipped: &mut Vec<String>,
) -> (Vec<String>, Vec<Labeled>) {
    let units = units(&songs, classes.len());
    let mut groups = vec![0; classes.len()];
    for unit in units.members() {
        let mut of_unit: Vec<usize> = unit.iter().map(|song| songs[*song].class).collect();
        of_unit.sort_unstable();
        of_unit.dedup();
        for class in of_unit {
            groups[class] += 1;
        }
    }
    let mut kept = Vec::new();
    let mut number_of = vec![None; classes.len()];
    for (class, name) in classes.into_iter().enumerate() {
        match groups[class] {
            // Its songs were skipped before.
            0 => {}
            1 => {
                let of_class = songs.iter().filter(|song| song.class == class).count();
                let found = match of_class {
                    1 => "one song".to_owned(),
                    several => format!("{several} songs, all of one artist"),
                };
                skipped.push(format!(
                    "class {name:?}: expected songs of at least two artists, found {found}"
                ));
            }
            _ => {
                number_of[class] = Some(kept.len());
                kept.push(name);
            }
        }
    }
    let songs = songs.into_iter().filter_map(|song| {
        let class = number_of[song.class]?;
        Some(Labeled { class, ..song })
    });
    (kept, songs.collect())
}

fn fit(songs: &[Labeled], classes: usize, penalty: f64) -> Regression {
    let labels: Vec<usize> = songs.iter().map(|song| song.class).collect();
    let songs: Vec<&[f32]> = songs.iter().map(|song| song.embedding.as_slice()).collect();
    Regression::fit(&songs, &labels, classes, penalty)
}

fn cross_validate(classes: &[String], songs: &[Labeled], options: &ClassifyOptions) -> ClassScores {
    let units = units(songs, classes.len());
    let groups = units.members().len();
    let folds = options.folds.min(groups);
    let sizes: Vec<usize> = (0..folds)
        .map(|fold| songs.len() / folds + usize::from(fold < songs.len() % folds))
        .collect();
    let fold_of = units.assign(&sizes, options.seed);
    // Song, class given, class of the baseline.
    let answers = (0..folds).into_par_iter().flat_map_iter(|fold| {
        let (test, training): (Vec<usize>, Vec<usize>) =
            (0..songs.len()).partition(|song| fold_of[*song] == fold);
        let songs_of = |class: usize| {
            training
                .iter()
                .filter(|song| songs[**song].class == class)
                .count()
        };
        let counts: Vec<usize> = (0..classes.len()).map(songs_of).collect();
        let most = first_largest(&counts);
        // A class may have all its songs in one fold.
        let present: Vec<usize> = (0..classes.len())
            .filter(|class| counts[*class] > 0)
            .collect();
        let labels: Vec<usize> = training
            .iter()
            .map(|song| {
                present
                    .binary_search(&songs[*song].class)
                    .unwrap_or_default()
            })
            .collect();
        let features: Vec<&[f32]> = training
            .iter()
            .map(|song| songs[*song].embedding.as_slice())
            .collect();
        let fitted = Regression::fit(&features, &labels, present.len(), options.penalty);
        let answer = move |song: usize| {
            let probabilities = fitted.probabilities(&songs[song].embedding);
            (song, present[first_largest(&probabilities)], most)
        };
        test.into_iter().map(answer)
    });
    let answers: Vec<(usize, usize, usize)> = answers.collect();
    let truth = |song: usize| songs[song].class;
    let mut confusion = vec![vec![0; classes.len()]; classes.len()];
    for &(song, given, _) in &answers {
        confusion[truth(song)][given] += 1;
    }
    let given = |(song, given, _): &(usize, usize, usize)| (truth(*song), *given);
    let (accuracy, scores) = scores(answers.iter().map(given), classes.len());
    let baseline = |(song, _, most): &(usize, usize, usize)| (truth(*song), *most);
    let (baseline_accuracy, of_baseline) =
        self::scores(answers.iter().map(baseline), classes.len());
    let macro_f1 =
        |of: &[LabelScores]| of.iter().map(|scores| scores.f1).sum::<f64>() / of.len() as f64;
    let counts: Vec<usize> = scores.iter().map(|scores| scores.support).collect();
    let of_class =
        |(class, (scores, baseline)): (&String, (&LabelScores, &LabelScores))| ClassScore {
            class: class.clone(),
            songs: scores.support,
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            baseline_f1: baseline.f1,
        };
    ClassScores {
        songs: songs.len(),
        groups,
        without_artist: songs.iter().filter(|song| song.artist.is_none()).count(),
        folds,
        penalty: options.penalty,
        accuracy,
        macro_f1: macro_f1(&scores),
        baseline: ClassBaseline {
            class: classes[first_largest(&counts)].clone(),
            accuracy: baseline_accuracy,
            macro_f1: macro_f1(&of_baseline),
        },
        classes: classes
            .iter()
            .zip(scores.iter().zip(&of_baseline))
            .map(of_class)
            .collect(),
        confusion,
    }
}

/// Accuracy, and the scores of each class, of pairs of the true and the given class.
fn scores(
    answers: impl Iterator<Item = (usize, usize)>,
    classes: usize,
) -> (f64, Vec<LabelScores>) {
    let mut counts = vec![Counts::default(); classes];
    let (mut songs, mut right) = (0, 0);
    for (truth, given) in answers {
        songs += 1;
        right += usize::from(truth == given);
        for (class, counts) in counts.iter_mut().enumerate() {
            counts.add(truth == class, given == class);
        }
    }
    let scores = counts.into_iter().map(Counts::scores).collect();
    (right as f64 / f64::from(songs), scores)
}

/// The index of the largest number, the first of several.
fn first_largest<T: PartialOrd + Copy>(numbers: &[T]) -> usize {
    let mut best = 0;
    for (index, number) in numbers.iter().enumerate() {
        if *number > numbers[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::test_songs::{a_library, a_song};
    use std::path::PathBuf;

    /// Length of the embeddings.
    const LENGTH: usize = 10;

    /// A library of 30 songs, three by each artist, whose embeddings tell the class that is their number modulo 3.
    fn library(change: impl Fn(usize, &mut Song)) -> (tempfile::TempDir, Library) {
        let song = |n: usize| {
            let noise = |m: usize| ((n * m) % 13) as f32 / 13.0;
            let mut embedding = vec![1.0; LENGTH];
            embedding[..3].copy_from_slice(&[noise(3), noise(5), noise(7)]);
            embedding[n % 3] += 3.0;
            let mut song = Song {
                embedding,
                artist: Some(format!("Artist {}", n / 3)),
                ..a_song(n)
            };
            change(n, &mut song);
            song
        };
        a_library(LENGTH, (0..30).map(song))
    }

    fn labels(
        songs: impl IntoIterator<Item = usize>,
        of: impl Fn(usize) -> &'static str,
    ) -> ClassLabels {
        let songs = songs.into_iter();
        let pairs = songs.map(|n| (PathBuf::from(format!("{n:06}.mp3")), of(n).to_owned()));
        ClassLabels::new(pairs).unwrap()
    }

    fn by_number(n: usize) -> &'static str {
        ["folk", "jazz", "rock"][n % 3]
    }

    fn train(library: &Library, labels: &ClassLabels) -> Result<Classifier> {
        Classifier::train(library, labels, &ClassifyOptions::default())
    }

    #[test]
    fn the_other_songs_get_the_classes_of_those_that_sound_alike() {
        let (_directory, library) = library(|n, song| song.silent = n == 29);
        let classifier = train(&library, &labels(0..15, by_number)).unwrap();
        assert_eq!(classifier.classes(), ["folk", "jazz", "rock"]);
        let scores = classifier.scores();
        assert_eq!((scores.songs, scores.groups, scores.folds), (15, 5, 5));
        assert_eq!((scores.accuracy, scores.macro_f1), (1.0, 1.0));
        // Each artist has a song of each class, so the first one is the baseline.
        assert_eq!(scores.baseline.class, "folk");
        assert!((scores.baseline.accuracy - 1.0 / 3.0).abs() < 1e-12);
        assert!((scores.classes[0].baseline_f1 - 0.5).abs() < 1e-12);
        assert_eq!(scores.confusion, [[5, 0, 0], [0, 5, 0], [0, 0, 5]]);
        let probabilities = classifier.probabilities(&library).unwrap();
        assert_eq!(probabilities.len(), 30);
        assert_eq!(probabilities[29], None);
        for (n, of_song) in probabilities.iter().take(29).enumerate() {
            let of_song = of_song.as_ref().unwrap();
            assert!((of_song.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert_eq!(classifier.class(n as u64, of_song), n % 3);
            assert_eq!(classifier.label(n as u64), (n < 15).then_some(n % 3));
        }
    }

    #[test]
    fn songs_of_one_artist_or_content_are_never_on_both_sides() {
        // The embedding names the artist, on whom the class depends: right with a song of the artist in training, else a guess.
        let telltale = |n: usize, song: &mut Song| {
            song.embedding = vec![0.0; LENGTH];
            song.embedding[n / 3] = 1.0;
        };
        let class = |n: usize| ["folk", "jazz"][(n / 3) % 2];
        let scores = |change: &dyn Fn(usize, &mut Song)| {
            let (_directory, library) = library(|n, song| {
                telltale(n, song);
                change(n, song);
            });
            let classifier = train(&library, &labels(0..30, class)).unwrap();
            classifier.scores().clone()
        };
        let by_artist = scores(&|_, _| {});
        assert_eq!((by_artist.groups, by_artist.without_artist), (10, 0));
        assert!(by_artist.accuracy <= 0.5, "{by_artist:?}");
        let by_content = scores(&|n, song| {
            song.artist = None;
            song.content_hash = Some(format!("{}", n / 3));
        });
        assert_eq!((by_content.groups, by_content.without_artist), (10, 30));
        assert_eq!(by_content.confusion, by_artist.confusion);
        let apart = scores(&|_, song| song.artist = None);
        assert_eq!((apart.groups, apart.without_artist), (30, 30));
        assert!(apart.accuracy > 0.7, "{apart:?}");
    }

    #[test]
    fn the_artist_of_the_label_counts_before_that_of_the_library() {
        let (_directory, library) = library(|_, song| song.artist = None);
        let mut labels = labels(0..30, by_number);
        for (n, song) in labels.songs.iter_mut().enumerate() {
            song.artist = Some(["The Larks", "larks", "Tom"][n % 2 + n / 20].to_owned());
        }
        let scores = train(&library, &labels).unwrap().scores().clone();
        assert_eq!(
            (scores.groups, scores.folds, scores.without_artist),
            (2, 2, 0)
        );
    }

    #[test]
    fn the_same_labels_and_seed_give_the_same_result() {
        let (_directory, library) = library(|_, _| {});
        let both = [0, 1].map(|_| {
            let classifier = train(&library, &labels(0..20, by_number)).unwrap();
            let probabilities = classifier.probabilities(&library).unwrap();
            (classifier.scores().clone(), probabilities)
        });
        assert_eq!(both[0], both[1]);
    }

    #[test]
    fn labels_that_cannot_be_used_are_skipped_with_a_reason() {
        let (directory, library) = library(|n, song| {
            song.silent = n == 0;
            if n == 1 {
                song.embedding[0] = f32::NAN;
            }
        });
        let outside = directory.path().join("outside.mp3");
        std::fs::write(&outside, b"x").unwrap();
        let mut all = labels(0..12, by_number);
        let mut add = |song: PathBuf, label: &str| {
            let place = format!("label {}", all.songs.len() + 1);
            all.songs.push(crate::dataset::ClassLabel {
                place,
                song,
                label: label.to_owned(),
                artist: None,
            });
        };
        add("absent.mp3".into(), "folk");
        add(outside, "folk");
        add("000020.mp3".into(), "alone");
        add("000027.mp3".into(), "one artist");
        add("000028.mp3".into(), "one artist");
        add("000029.mp3".into(), "one artist");
        let classifier = train(&library, &all).unwrap();
        assert_eq!(classifier.classes(), ["folk", "jazz", "rock"]);
        assert_eq!(classifier.scores().songs, 10);
        let skipped = classifier.skipped().join("\n");
        for reason in [
            "label 1: \"/music/000000.mp3\" is silent",
            "label 2: \"/music/000001.mp3\" has no embedding",
            "label 13: no song of",
            "add it with `circumplex analyze`",
            "class \"alone\": expected songs of at least two artists, found one song",
            "class \"one artist\": expected songs of at least two artists, found 3 songs, all of one artist",
        ] {
            assert!(skipped.contains(reason), "{reason}: {skipped}");
        }
        assert_eq!(classifier.skipped().len(), 6, "{skipped}");
    }

    #[test]
    fn labels_that_teach_nothing_are_errors() {
        let (_directory, library) = library(|_, _| {});
        let message = |labels: &ClassLabels, options: ClassifyOptions| {
            Classifier::train(&library, labels, &options)
                .unwrap_err()
                .to_string()
        };
        let usual = ClassifyOptions::default();
        let one = message(&labels(0..10, |_| "rock"), usual);
        assert!(
            one.contains("two classes") && one.contains("found only \"rock\""),
            "{one}"
        );
        let none = message(&labels(100..110, by_number), usual);
        assert!(
            none.contains("none of the 10 labeled songs") && none.contains("000100.mp3"),
            "{none}"
        );
        let mut twice = labels([3, 4, 3], by_number);
        twice.songs[2].label = "rock".to_owned();
        let twice = message(&twice, usual);
        assert!(
            twice.contains("label 3") && twice.contains("but \"folk\" in label 1"),
            "{twice}"
        );
        let every = labels(0..30, by_number);
        for penalty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = message(&every, ClassifyOptions { penalty, ..usual });
            assert!(error.contains("penalty"), "{error}");
        }
        assert!(message(&every, ClassifyOptions { folds: 1, ..usual }).contains("at least 2"));
    }
}
