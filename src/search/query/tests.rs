//! The nearest songs against a naive reference.

use super::*;
use crate::search::top::random_key;
use crate::{
    emotion::EmotionVector,
    library::{LibraryInfo, LibraryWriter, ModelStamp, test_songs::a_song},
};
use proptest::prelude::*;
use std::path::Path;

fn write(path: &Path, rows: impl Iterator<Item = Song>) {
    let model = ModelStamp {
        identity: "0".repeat(64),
        name: "test".to_owned(),
    };
    let info = LibraryInfo::new(model, serde_json::json!({}));
    let mut writer = LibraryWriter::create(path, &info, 4).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
}

fn library_with(rows: impl Iterator<Item = Song>) -> (tempfile::TempDir, Library) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("library.parquet");
    write(&path, rows);
    let library = Library::open(&path).unwrap();
    (directory, library)
}

fn row_of(n: usize, weights: [f64; 8]) -> Song {
    let mut row = a_song(n);
    row.emotions = EmotionVector::from_weights(weights).unwrap();
    row
}

fn library_of(vectors: &[[f64; 8]]) -> (tempfile::TempDir, Library) {
    library_with(vectors.iter().enumerate().map(|(n, v)| row_of(n, *v)))
}

/// Rows (told by their names) and similarities.
fn ask_with(search: &Query, library: &Library, asked: &QueryVector, k: usize) -> Vec<(u64, f64)> {
    let matches = search.nearest(library, asked, NonZeroUsize::new(k).unwrap());
    numbered(matches.unwrap())
}

fn numbered(matches: Vec<Match>) -> Vec<(u64, f64)> {
    let ranks: Vec<usize> = matches.iter().map(|found| found.rank).collect();
    assert_eq!(ranks, (1..=matches.len()).collect::<Vec<_>>());
    matches
        .into_iter()
        .map(|found| {
            let name = found.song.path.file_stem().unwrap().to_str().unwrap();
            (name.parse().unwrap(), found.similarity)
        })
        .collect()
}

fn feeling(weights: [f64; 8]) -> QueryVector {
    EmotionVector::from_weights(weights).unwrap().into()
}

fn ask(library: &Library, target: [f64; 8], k: usize) -> Vec<(u64, f64)> {
    ask_with(&Query::default(), library, &feeling(target), k)
}

fn rows(found: &[(u64, f64)]) -> Vec<u64> {
    found.iter().map(|(row, _)| *row).collect()
}

const HAPPY: [f64; 8] = [1., 0., 0., 0., 0., 0., 0., 0.];
const TENSE: [f64; 8] = [0., 0., 1., 0., 0., 0., 0., 0.];

fn mixed_vectors(count: u32) -> Vec<[f64; 8]> {
    (0..count)
        .map(|n| std::array::from_fn(|i| f64::from((n * 7919 + i as u32 * 104_729) % 1000) + 1.0))
        .collect()
}

#[test]
fn silent_songs_are_no_answers() {
    let (_directory, library) = library_with((0..6).map(|n| {
        let mut row = a_song(n);
        row.silent = n % 2 == 0;
        row
    }));
    assert_eq!(rows(&ask(&library, [1.; 8], 6)), [1, 3, 5]);
}

#[test]
fn the_nearest_comes_first_and_ties_keep_the_order_of_the_library() {
    let mixed = [1., 0., 1., 0., 0., 0., 0., 0.];
    let (_directory, library) = library_of(&[TENSE, HAPPY, mixed, HAPPY, mixed, TENSE]);
    let answer = ask(&library, HAPPY, 4);
    assert_eq!(rows(&answer), [1, 3, 2, 4]);
    assert_eq!(answer[0].1, 1.0);
    assert!((answer[2].1 - 0.5_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn a_small_library_gives_all_that_it_has() {
    let (_directory, library) = library_of(&[[1.; 8], [1., 2., 1., 1., 1., 1., 1., 1.]]);
    assert_eq!(ask(&library, [1.; 8], 10).len(), 2);
}

#[test]
fn the_answer_holds_across_pages_row_groups_and_files_for_every_metric() {
    let vectors = mixed_vectors(70_000);
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = vectors.split_at(1234);
    let numbered = |from: usize, vectors: &[[f64; 8]]| -> Vec<Song> {
        let vectors = vectors.iter().enumerate();
        vectors.map(|(n, v)| row_of(from + n, *v)).collect()
    };
    write(
        &directory.path().join("1.parquet"),
        numbered(0, first).into_iter(),
    );
    write(
        &directory.path().join("2.parquet"),
        numbered(1234, second).into_iter(),
    );
    let library = Library::open(directory.path()).unwrap();
    let asked = feeling([5., 1., 2., 8., 3., 1., 1., 9.]);
    for metric in [Metric::Cosine, Metric::CenteredCosine, Metric::Euclidean] {
        let target = Target::new(&asked, metric, 0).unwrap();
        let mut expected: Vec<(u64, f64)> = (0..)
            .zip(&vectors)
            .map(|(n, v)| {
                let vector = EmotionVector::from_weights(*v).unwrap();
                (n, target.similarity(vector.as_array()))
            })
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let search = Query {
            metric,
            ..Query::default()
        };
        assert_eq!(
            ask_with(&search, &library, &asked, 25),
            expected[..25],
            "{metric}"
        );
    }
}

#[test]
fn embeddings_are_compared_where_they_are_wanted() {
    // The embedding of a row begins with its number.
    let (_directory, library) = library_with((0..40_000).map(a_song));
    let asked = QueryVector {
        embedding: Some(vec![30_000.0, 0.25, -1.0, 0.0]),
        excluded_rows: vec![30_000],
        ..feeling([1.; 8])
    };
    let search = Query {
        metric: Metric::Embedding,
        ..Query::default()
    };
    let found = ask_with(&search, &library, &asked, 3);
    assert!(
        found.iter().all(|(row, _)| (29_990..30_010).contains(row)),
        "{found:?}"
    );
    assert!(!rows(&found).contains(&30_000));
    let error = search
        .nearest(&library, &feeling([1.; 8]), NonZeroUsize::MIN)
        .unwrap_err();
    assert!(error.to_string().contains("--like"), "{error}");
}

#[test]
fn a_library_that_another_program_rewrote_answers_alike() {
    // Dictionaries, nullable numbers and version 2 pages: whatever the numbers' layout, they are the same.
    use parquet::{
        arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
        file::properties::{WriterProperties, WriterVersion},
    };
    let vectors = mixed_vectors(20_000);
    let (directory, library) = library_of(&vectors);
    let asked = feeling([5., 1., 2., 8., 3., 1., 1., 9.]);
    let expected = ask_with(&Query::default(), &library, &asked, 20);
    let source = directory.path().join("library.parquet");
    let open =
        || ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&source).unwrap()).unwrap();
    let footer = open()
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .cloned();
    let plain = || WriterProperties::builder().set_dictionary_enabled(false);
    let rewritten = [
        WriterProperties::builder(),
        plain(),
        plain().set_writer_version(WriterVersion::PARQUET_2_0),
        plain()
            .set_data_page_row_count_limit(333)
            .set_write_batch_size(111),
    ];
    for (number, properties) in rewritten.into_iter().enumerate() {
        let path = directory.path().join(format!("{number}.parquet"));
        let properties = properties.set_key_value_metadata(footer.clone()).build();
        let reader = open().build().unwrap();
        let mut writer = ArrowWriter::try_new(
            std::fs::File::create(&path).unwrap(),
            arrow_array::RecordBatchReader::schema(&reader),
            Some(properties),
        )
        .unwrap();
        for batch in reader {
            writer.write(&batch.unwrap()).unwrap();
        }
        writer.close().unwrap();
        let library = Library::open(&path).unwrap();
        assert_eq!(
            ask_with(&Query::default(), &library, &asked, 20),
            expected,
            "{number}"
        );
    }
}

#[test]
fn a_filter_lets_through_what_meets_it() {
    let vectors = mixed_vectors(40_000);
    let (_directory, library) = library_of(&vectors);
    let all = ask(&library, HAPPY, 40_000);
    let search = Query {
        // Every second song has an artist; the number of bytes is the number of the row.
        filter: Some(
            "artist = 'Someone' AND size_bytes >= 33000"
                .parse()
                .unwrap(),
        ),
        ..Query::default()
    };
    let found = ask_with(&search, &library, &feeling(HAPPY), 100);
    let expected: Vec<(u64, f64)> = all
        .into_iter()
        .filter(|(row, _)| *row >= 33_000 && row % 2 == 1)
        .take(100)
        .collect();
    assert_eq!(found, expected);
    let search = Query {
        filter: Some("duration < 0".parse().unwrap()),
        ..Query::default()
    };
    assert_eq!(ask_with(&search, &library, &feeling(HAPPY), 5), []);
}

#[test]
fn an_artist_has_no_more_songs_than_allowed_and_files_are_left_out() {
    let artists = [
        Some("A"),
        Some("a "),
        Some("A"),
        Some("B"),
        None,
        None,
        Some("B"),
        Some("C"),
    ];
    let (_directory, library) = library_with((0..400).map(|n| {
        let mut row = row_of(n, [400.0 - n as f64, n as f64, 0., 0., 0., 0., 0., 0.]);
        row.artist = artists[n.min(7)].map(str::to_owned);
        row
    }));
    let mut search = Query {
        per_artist: NonZeroUsize::new(1),
        ..Query::default()
    };
    let ask = |search: &Query, k| rows(&ask_with(search, &library, &feeling(HAPPY), k));
    assert_eq!(ask(&search, 5), [0, 3, 4, 5, 7]);
    // All after it are by the artist of the eighth.
    assert_eq!(ask(&search, 10), [0, 3, 4, 5, 7]);
    search.per_artist = NonZeroUsize::new(2);
    assert_eq!(ask(&search, 9), [0, 1, 3, 4, 5, 6, 7, 8]);
    search.per_artist = None;
    search.exclude = (0..300)
        .map(|n| format!("/music/{n:06}.mp3").into())
        .collect();
    assert_eq!(ask(&search, 3), [300, 301, 302]);
}

#[test]
fn drawn_songs_are_nearly_as_near_and_the_same_for_the_same_seed() {
    let (_directory, library) = library_of(&mixed_vectors(5000));
    let nearest = ask(&library, HAPPY, 1000);
    let mut search = Query {
        explore: Some(Explore {
            width: 0.05,
            seed: 1,
        }),
        ..Query::default()
    };
    let one = ask_with(&search, &library, &feeling(HAPPY), 10);
    assert_eq!(one, ask_with(&search, &library, &feeling(HAPPY), 10));
    assert_eq!(one.len(), 10);
    assert!(one.is_sorted_by(|a, b| a.1 >= b.1));
    assert!(one.iter().all(|(_, s)| *s >= nearest[9].1 - 0.05));
    assert!(one.iter().all(|found| nearest.contains(found)));
    search.explore = Some(Explore {
        width: 0.05,
        seed: 2,
    });
    assert_ne!(
        rows(&one),
        rows(&ask_with(&search, &library, &feeling(HAPPY), 10))
    );
    search.explore = Some(Explore {
        width: 0.0,
        seed: 1,
    });
    assert_eq!(
        ask_with(&search, &library, &feeling(HAPPY), 10),
        nearest[..10]
    );
}

#[test]
fn a_playlist_leads_to_its_target_and_has_no_song_twice() {
    let mood = |n: usize| -> [f64; 8] {
        let part = n as f64 / 99.0;
        [1.0 - part, 0., part, 0., 0., 0., 0., 0.]
    };
    let (_directory, library) = library_of(&(0..100).map(mood).collect::<Vec<_>>());
    let shift = |search: &Query, from, to, steps| {
        let steps = NonZeroUsize::new(steps).unwrap();
        search.shift(&library, &feeling(from), &feeling(to), steps)
    };
    let search = Query::default();
    let found = rows(&numbered(shift(&search, HAPPY, TENSE, 4).unwrap()));
    assert_eq!(found, [0, 33, 66, 99]);
    let found = rows(&numbered(shift(&search, HAPPY, TENSE, 1).unwrap()));
    assert_eq!(found, [99]);
    // From a feeling to itself: each step takes what is left.
    let found = rows(&numbered(shift(&search, HAPPY, HAPPY, 30).unwrap()));
    assert_eq!(found, (0..30).collect::<Vec<_>>());
    let found = rows(&numbered(shift(&search, HAPPY, TENSE, 150).unwrap()));
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        (0..100).collect::<Vec<_>>(),
        "all that there are, once each"
    );
    let limited = Query {
        per_artist: NonZeroUsize::new(3),
        filter: Some("artist IS NOT NULL".parse().unwrap()),
        ..Query::default()
    };
    let found = numbered(shift(&limited, HAPPY, TENSE, 10).unwrap());
    assert_eq!(found.len(), 3);
}

#[test]
fn a_shift_between_opposites_tells_the_step_that_cancels() {
    let (_directory, library) = library_of(&[HAPPY, TENSE]);
    let mut from = feeling(HAPPY);
    from.target[2] = -100.0;
    let mut to = from.clone();
    to.target = to.target.map(|value| -value);
    let steps = NonZeroUsize::new(3).unwrap();
    let error = Query::default()
        .shift(&library, &from, &to, steps)
        .unwrap_err();
    assert!(error.to_string().contains("step 2 of 3"), "{error}");
}

const METRICS: [Metric; 4] = [
    Metric::Cosine,
    Metric::CenteredCosine,
    Metric::Euclidean,
    Metric::Embedding,
];

/// Rows and similarities of the songs that can be answers, in the order of the library.
fn candidates(query: &Query, songs: &[Song], vector: &QueryVector) -> Vec<(u64, f64)> {
    let target = Target::new(vector, query.metric, 4).unwrap();
    let mut found = Vec::new();
    for (row, song) in (0..).zip(songs) {
        let is_excluded = song.silent
            || vector.excluded_rows.contains(&row)
            || query.exclude.contains(&song.path)
            || query.filter.is_some() && song.artist.is_none();
        let numbers = match query.metric {
            Metric::Embedding => song.embedding.as_slice(),
            _ => song.emotions.as_array(),
        };
        if !is_excluded {
            found.push((row, target.similarity(numbers)));
        }
    }
    found
}

fn sort_by_similarity(found: &mut [(u64, f64)]) {
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
}

/// Drops the songs whose artist, album or title has enough songs before them.
fn limit(query: &Query, songs: &[Song], found: &mut Vec<(u64, f64)>) {
    let mut kept: Vec<&Song> = Vec::new();
    found.retain(|(row, _)| {
        let song = &songs[*row as usize];
        let same_artist = |other: &Song| song.artist.is_some() && other.artist == song.artist;
        let same_album = |other: &Song| {
            let is_near = song.artist.is_some() || other.path.parent() == song.path.parent();
            song.album.is_some()
                && other.album == song.album
                && other.artist == song.artist
                && is_near
        };
        // The titles of the test songs tell versions apart in brackets only.
        let name = |song: &Song| {
            song.title
                .clone()
                .map(|title| title.split(" (").next().unwrap().to_lowercase())
        };
        let same_title =
            |other: &Song| song.title.is_some() && same_artist(other) && name(other) == name(song);
        let full = |most: Option<NonZeroUsize>, same: &dyn Fn(&Song) -> bool| {
            most.is_some_and(|most| kept.iter().filter(|other| same(other)).count() >= most.get())
        };
        let per_title = query.one_per_title.then_some(NonZeroUsize::MIN);
        let is_full = full(query.per_artist, &same_artist)
            || full(query.per_album, &same_album)
            || full(per_title, &same_title);
        if !is_full {
            kept.push(song);
        }
        !is_full
    });
}

/// The answer by sorting all songs.
fn naive(query: &Query, songs: &[Song], vector: &QueryVector, k: usize) -> Vec<(u64, f64)> {
    let mut found = candidates(query, songs, vector);
    sort_by_similarity(&mut found);
    limit(query, songs, &mut found);
    found.truncate(k);
    let Some(Explore { width, seed }) = query.explore else {
        return found;
    };
    let least = found.last().map_or(f64::INFINITY, |last| last.1) - width;
    let mut drawn = candidates(query, songs, vector);
    drawn.retain(|(_, similarity)| *similarity >= least);
    drawn.sort_by(|a, b| random_key(seed, b.0).total_cmp(&random_key(seed, a.0)));
    limit(query, songs, &mut drawn);
    drawn.truncate(k);
    sort_by_similarity(&mut drawn);
    drawn
}

/// The playlist by sorting all songs for every step.
fn naive_shift(query: &Query, songs: &[Song], vectors: &[QueryVector]) -> Vec<(u64, f64)> {
    let mut playlist: Vec<(u64, f64)> = Vec::new();
    for vector in vectors {
        let mut found = candidates(query, songs, vector);
        sort_by_similarity(&mut found);
        let next = found.into_iter().find(|song| {
            let is_new = playlist.iter().all(|(row, _)| *row != song.0);
            let mut with = playlist.clone();
            with.push(*song);
            limit(query, songs, &mut with);
            is_new && with.len() > playlist.len()
        });
        playlist.extend(next);
    }
    playlist
}

/// Songs with repeated vectors and embeddings, so that there are ties, of five artists and of none, on few albums and of few titles;
/// some are silent.
fn varied_songs(size: usize) -> Vec<Song> {
    let vectors = mixed_vectors(600);
    let song = |n: usize| Song {
        silent: n % 7 == 3,
        artist: (!n.is_multiple_of(3)).then(|| format!("Artist {}", n % 5)),
        album: (!n.is_multiple_of(8)).then(|| format!("Album {}", n / 2 % 4)),
        title: (!n.is_multiple_of(11)).then(|| {
            let version = ["", " (Live)", " (2011 Remaster)"][n / 4 % 3];
            format!("Title {}{version}", n / 5 % 9)
        }),
        embedding: vec![(n % 11) as f32, 1.0, -2.0, (n % 3) as f32],
        ..row_of(n, vectors[n / 2])
    };
    (0..size).map(song).collect()
}

fn varied_vector() -> QueryVector {
    QueryVector {
        embedding: Some(vec![3.0, 1.0, -1.0, 2.0]),
        ..feeling([5., 1., 2., 8., 3., 1., 1., 9.])
    }
}

/// Queries without limits, with some and with several at once, each with no file, some files, all files but one, and all files excluded, and one with a
/// filter as well.
fn varied_queries(metric: Metric, songs: &[Song]) -> Vec<Query> {
    let files = |is_excluded: &dyn Fn(usize) -> bool| -> HashSet<PathBuf> {
        let rows = (0..songs.len()).filter(|n| is_excluded(*n));
        rows.map(|n| songs[n].path.clone()).collect()
    };
    let kept = songs.len() / 2;
    let mut queries = Vec::new();
    let most = NonZeroUsize::new;
    for (per_artist, per_album, one_per_title) in [
        (None, None, false),
        (most(1), None, false),
        (most(2), None, false),
        (None, most(2), false),
        (None, None, true),
        (most(4), most(1), true),
    ] {
        let query = |exclude| Query {
            metric,
            per_artist,
            per_album,
            one_per_title,
            exclude,
            ..Query::default()
        };
        queries.push(query(HashSet::new()));
        queries.push(query(files(&|n| n % 4 < 2)));
        queries.push(query(files(&|n| n != kept)));
        queries.push(query(files(&|_| true)));
        queries.push(Query {
            filter: Some("artist IS NOT NULL".parse().unwrap()),
            ..query(files(&|n| n % 4 == 0))
        });
    }
    queries
}

const SIZES: [usize; 20] = [
    1, 2, 3, 4, 7, 8, 15, 16, 17, 24, 31, 32, 33, 64, 100, 255, 256, 257, 400, 600,
];

#[test]
fn every_size_metric_exclusion_limit_and_k_gives_the_answer_of_sorting_all() {
    for size in SIZES {
        let songs = varied_songs(size);
        let (_directory, library) = library_with(songs.iter().cloned());
        let rows = size as u64;
        let excluded_rows = [
            Vec::new(),
            (0..rows).step_by(2).collect(),
            (0..rows).filter(|row| *row != rows / 2).collect(),
            (0..rows).collect(),
        ];
        let vectors = excluded_rows.map(|excluded_rows| QueryVector {
            excluded_rows,
            ..varied_vector()
        });
        for metric in METRICS {
            for (number, query) in varied_queries(metric, &songs).iter().enumerate() {
                let all: Vec<Vec<(u64, f64)>> = vectors
                    .iter()
                    .map(|vector| naive(query, &songs, vector, usize::MAX))
                    .collect();
                for k in [1, 2, 5, size - 1, size, size + 7, usize::MAX] {
                    let Some(k) = NonZeroUsize::new(k) else {
                        continue;
                    };
                    let answers = query.answers(&library, &vectors, k).unwrap();
                    for (songs, all) in answers.iter().zip(&all) {
                        let found = songs.iter().map(|song| (song.row, song.similarity));
                        let expected = &all[..k.get().min(all.len())];
                        let found: Vec<(u64, f64)> = found.collect();
                        assert_eq!(found, expected, "{size}, {metric}, query {number}, k {k}");
                    }
                }
                let k = size.min(5);
                let found = ask_with(query, &library, &vectors[0], k);
                assert_eq!(found, all[0][..k.min(all[0].len())]);
            }
        }
    }
}

#[test]
fn exploring_and_mood_shifts_give_the_answers_of_sorting_all() {
    for size in [1, 2, 3, 16, 17, 33, 100, 257] {
        let songs = varied_songs(size);
        let (_directory, library) = library_with(songs.iter().cloned());
        let (from, to) = (varied_vector(), feeling([1., 9., 2., 1., 3., 4., 1., 1.]));
        for metric in METRICS {
            for (number, query) in varied_queries(metric, &songs).iter().enumerate() {
                for (k, width) in [(1, 0.0), (2, 0.05), (5, 0.01), (size + 7, 0.2)] {
                    let seed = size as u64;
                    let query = Query {
                        explore: Some(Explore { width, seed }),
                        ..query.clone()
                    };
                    let expected = naive(&query, &songs, &from, k);
                    let found = ask_with(&query, &library, &from, k);
                    assert_eq!(found, expected, "{size}, {metric}, query {number}, k {k}");
                }
                if metric == Metric::Embedding {
                    continue;
                }
                for steps in [1, 2, 5, (size + 7).min(40)] {
                    let steps = NonZeroUsize::new(steps).unwrap();
                    let vectors = between(&from, &to, steps).unwrap();
                    let expected = naive_shift(query, &songs, &vectors);
                    let found = numbered(query.shift(&library, &from, &to, steps).unwrap());
                    assert_eq!(found, expected, "{size}, {metric}, query {number}, {steps}");
                }
            }
        }
    }
}

/// The percentages of the songs relative to the mean of those that are not silent.
fn naive_relative(songs: &[Song]) -> Vec<Song> {
    let audible: Vec<&Song> = songs.iter().filter(|song| !song.silent).collect();
    let mut songs = songs.to_vec();
    let ratios = |song: &Song| -> [f64; 8] {
        std::array::from_fn(|n| {
            let sum: f64 = audible
                .iter()
                .map(|song| f64::from(song.emotions.as_array()[n]))
                .sum();
            f64::from(song.emotions.as_array()[n]) / (sum / audible.len() as f64)
        })
    };
    for song in &mut songs {
        if !song.silent {
            song.emotions = EmotionVector::from_weights(ratios(song)).unwrap();
        }
    }
    songs
}

#[test]
fn relative_answers_are_those_of_sorting_all_by_their_ratios_to_the_mean() {
    for size in [1, 2, 4, 16, 17, 100, 257] {
        let songs = varied_songs(size);
        let relative = naive_relative(&songs);
        let (_directory, library) = library_with(songs.iter().cloned());
        let mean = MeanEmotions::of(&library, SongVector::Emotions).unwrap();
        let vector = varied_vector();
        for metric in METRICS.into_iter().chain([Metric::Share]) {
            for (number, query) in varied_queries(metric, &songs).into_iter().enumerate() {
                // The reference is the whole library, whatever is filtered and excluded.
                let query = Query {
                    relative_to: Some(mean),
                    ..query
                };
                for k in [1, 5, size + 7] {
                    let found = ask_with(&query, &library, &vector, k);
                    let expected = naive(&query, &relative, &vector, k);
                    let place = format!("{size}, {metric}, query {number}, k {k}");
                    assert_eq!(rows(&found), rows(&expected), "{place}");
                    for (found, expected) in found.iter().zip(&expected) {
                        assert!((found.1 - expected.1).abs() < 1e-6, "{place}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_mean_of_a_library_is_that_of_all_its_files_without_the_silent_songs() {
    let songs = varied_songs(400);
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = songs.split_at(150);
    write(&directory.path().join("1.parquet"), first.iter().cloned());
    write(&directory.path().join("2.parquet"), second.iter().cloned());
    let library = Library::open(directory.path()).unwrap();
    let mean = MeanEmotions::of(&library, SongVector::Emotions).unwrap();
    let audible: Vec<&Song> = songs.iter().filter(|song| !song.silent).collect();
    let expected: [f64; 8] = std::array::from_fn(|n| {
        let values = audible
            .iter()
            .map(|song| f64::from(song.emotions.as_array()[n]));
        values.sum::<f64>() / audible.len() as f64
    });
    // A song like the mean has as much of everything.
    let relative = mean.relative(expected);
    assert!(relative.iter().all(|share| (share - 12.5).abs() < 1e-9));
    let happy = mean.relative([100., 0., 0., 0., 0., 0., 0., 0.]);
    assert_eq!(happy, [100., 0., 0., 0., 0., 0., 0., 0.]);
    // Every second song lacks the other vector.
    let error = MeanEmotions::of(&library, SongVector::Felt).unwrap_err();
    assert!(error.to_string().contains("no valid `felt`"), "{error}");
}

#[test]
fn rare_emotions_are_found_relative_to_the_library_and_absent_ones_do_no_harm() {
    // Depressed is the strongest everywhere; there is nothing tense.
    let song = |depressed: f64, tired: f64, calm: f64| [1., 1., 0., 1., depressed, tired, calm, 1.];
    let (_directory, library) = library_of(&[
        song(60., 16., 10.),
        song(30., 14., 46.),
        song(85., 4., 1.),
        song(80., 1., 9.),
    ]);
    let calm = feeling([0., 0., 0., 0., 0., 0., 1., 0.]);
    let query = Query {
        relative_to: Some(MeanEmotions::of(&library, SongVector::Emotions).unwrap()),
        ..Query::default()
    };
    // What the fourth has more of than the others is calm; what the first has more of is tired.
    let plain = ask_with(&Query::default(), &library, &calm, 4);
    assert_eq!(rows(&plain), [1, 0, 3, 2]);
    assert_eq!(rows(&ask_with(&query, &library, &calm, 4)), [1, 3, 0, 2]);
    let tense = ask_with(&query, &library, &feeling(TENSE), 4);
    assert_eq!(tense, [(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0)]);
    let (_directory, one) = library_of(&[song(60., 16., 10.)]);
    let query = Query {
        relative_to: Some(MeanEmotions::of(&one, SongVector::Emotions).unwrap()),
        ..Query::default()
    };
    // The only song is the mean: it has as much of each of its seven emotions.
    let (_, similarity) = ask_with(&query, &one, &feeling(HAPPY), 1)[0];
    assert!(
        (similarity - 1.0 / 7_f64.sqrt()).abs() < 1e-6,
        "{similarity}"
    );
}

proptest! {
    #[test]
    fn the_answer_equals_sorting_everything(
        vectors in prop::collection::vec(prop::array::uniform8(0_u8..4), 1..40),
        target in prop::array::uniform8(0_u8..4),
        k in 1_usize..45,
        which in 0_usize..3,
    ) {
        let weights = |v: [u8; 8]| {
            let sum: u32 = v.iter().map(|x| u32::from(*x)).sum();
            v.map(|x| if sum == 0 { 1.0 } else { f64::from(x) })
        };
        let metric = [Metric::Cosine, Metric::CenteredCosine, Metric::Euclidean][which];
        let vectors: Vec<[f64; 8]> = vectors.into_iter().map(weights).collect();
        let asked = feeling(weights(target));
        let Ok(target) = Target::new(&asked, metric, 0) else { return Ok(()) };
        let (_directory, library) = library_of(&vectors);
        let mut expected: Vec<(u64, f64)> = (0..)
            .zip(&vectors)
            .map(|(n, v)| {
                let vector = EmotionVector::from_weights(*v).unwrap();
                (n, target.similarity(vector.as_array()))
            })
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        expected.truncate(k);
        let search = Query { metric, ..Query::default() };
        prop_assert_eq!(ask_with(&search, &library, &asked, k), expected);
    }

    #[test]
    fn limited_answers_equal_sorting_everything(
        songs in prop::collection::vec((0_u8..60, 0_u8..4, 0_u8..4, 0_u8..8, 0_u8..2), 1..900),
        limits in (0_usize..4, 0_usize..4, any::<bool>()),
        k in 1_usize..40,
    ) {
        let song = |(n, (angle, artist, album, title, folder)): (usize, &(u8, u8, u8, u8, u8))| {
            // 0 is a missing tag.
            let tag = |name: &str, number: u8| (number > 0).then(|| format!("{name} {number}"));
            let weight = f64::from(*angle);
            Song {
                path: format!("/music/{folder}/{n}.mp3").into(),
                artist: tag("Artist", *artist),
                album: tag("Album", *album),
                title: tag("Title", title % 5).map(|name| name + ["", " (Live)"][usize::from(title / 5)]),
                ..row_of(n, [100.0 - weight, weight, 0., 0., 0., 0., 0., 0.])
            }
        };
        let songs: Vec<Song> = songs.iter().enumerate().map(song).collect();
        let (_directory, library) = library_with(songs.iter().cloned());
        let search = Query {
            per_artist: NonZeroUsize::new(limits.0),
            per_album: NonZeroUsize::new(limits.1),
            one_per_title: limits.2,
            ..Query::default()
        };
        let asked = [feeling(HAPPY), feeling([0., 1., 0., 0., 0., 0., 0., 0.]), feeling([1., 1., 0., 0., 0., 0., 0., 0.])];
        let answers = search.answers(&library, &asked, NonZeroUsize::new(k).unwrap()).unwrap();
        for (asked, answer) in asked.iter().zip(answers) {
            let found: Vec<(u64, f64)> = answer.iter().map(|song| (song.row, song.similarity)).collect();
            prop_assert_eq!(found, naive(&search, &songs, asked, k));
        }
    }
}
