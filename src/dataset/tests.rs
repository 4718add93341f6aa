//! Reading data sets that the tests write, and real ones if they are there.

use super::{draw_tests::assert_together, *};
use deam::Layout;
use std::{fs, path::Path};

const SONG_LEVEL: &str = "annotations/annotations averaged per song/song_level";
const DYNAMIC: &str = "annotations/annotations averaged per song/dynamic (per second annotations)";

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn statics(rows: &[&str]) -> String {
    let mut text =
        "song_id, valence_mean, valence_std, arousal_mean, arousal_std, remark\r\n".to_owned();
    for row in rows {
        text.push_str(row);
        text.push_str("\r\n");
    }
    text
}

/// Three annotated songs, of which two have audio, and one file without labels.
fn small(root: &Path, audio: &str, annotations: &str) {
    write(
        &root
            .join(annotations)
            .join("static_annotations_averaged_songs_1_2000.csv"),
        statics(&["1002,6,1,6,1,x", "1001, 3.5 ,0.5,4,0", "1003,5,1,5,1"]),
    );
    for (i, name) in [
        "1001.WAV",
        "1002.mp3",
        "1009.flac",
        "._1003.mp3",
        "readme.txt",
    ]
    .iter()
    .enumerate()
    {
        write(&root.join(audio).join(name), vec![i as u8; 200 + i]);
    }
}

#[test]
fn every_layout_is_read_and_what_is_missing_is_named() {
    let kaggle = format!("DEAM_Annotations/{SONG_LEVEL}");
    for (audio, annotations, layout) in [
        ("DEAM_audio/MEMD_audio", kaggle.as_str(), Layout::Kaggle),
        ("MEMD_audio", SONG_LEVEL, Layout::Archives),
        ("audio", "", Layout::Flat),
        ("", "", Layout::Flat),
    ] {
        let dir = tempfile::tempdir().unwrap();
        small(dir.path(), audio, annotations);
        assert_eq!(DeamFiles::find(dir.path()).unwrap().layout, layout);
        let data = Dataset::open(dir.path(), &LabelOptions::default()).unwrap();
        let ids: Vec<&str> = data.songs.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["1001", "1002"], "{layout}");
        assert_eq!(data.songs[0].affect.valence_mean, 3.5);
        assert_eq!(data.songs[0].audio, dir.path().join(audio).join("1001.WAV"));
        assert_eq!(data.without_audio, ["1003"]);
        assert_eq!(
            data.without_labels,
            [dir.path().join(audio).join("1009.flac")]
        );
        assert_eq!(data.songs[1].emotions.as_array()[..2], [50.0, 50.0]);
    }
}

#[test]
fn rows_that_cannot_be_used_are_rejected_with_their_reasons() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path(), "", "");
    write(
        &dir.path().join("static_annotations_2.csv"),
        statics(&[
            "1001,5,1,5,1",
            "4,9.5,1,5,1",
            "5,5,,5,1",
            "6,5,-1,5,1",
            "7,five,1,5,1",
        ]),
    );
    let data = Dataset::open(dir.path(), &LabelOptions::default()).unwrap();
    let found: Vec<(&str, RowFault)> = data
        .rejected
        .iter()
        .map(|r| (r.id.as_str(), r.fault))
        .collect();
    assert_eq!(
        found,
        [
            // Files are read in order of their names, so the first file's row counts.
            ("4", RowFault::OutsideScale),
            ("5", RowFault::Missing),
            ("6", RowFault::NegativeDeviation),
            ("7", RowFault::Missing),
            ("1001", RowFault::Duplicate),
        ]
    );
    assert!(
        data.rejected[3]
            .reason
            .contains("line 6, column valence_mean: expected a number, found \"five\"")
    );
}

#[test]
fn directories_without_annotations_or_audio_are_errors_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Dataset::open(dir.path(), &LabelOptions::default()).unwrap_err();
    let error = open();
    assert!(
        error.to_string().contains("holds no annotations"),
        "{error}"
    );
    write(
        &dir.path().join("static_annotations.csv"),
        "song_id,valence,arousal\n1,5,5\n",
    );
    let error = open();
    assert!(
        error.to_string().contains("expected a column valence_mean"),
        "{error}"
    );
    write(
        &dir.path().join("static_annotations.csv"),
        statics(&["1,5,1,5,1"]),
    );
    let error = open();
    assert!(
        error.to_string().contains("(1 with labels, 0 audio files)"),
        "{error}"
    );
    let error = Dataset::open(&dir.path().join("absent"), &LabelOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let nonsense = LabelOptions {
        sigma: f64::NAN,
        ..LabelOptions::default()
    };
    let error = Dataset::open(dir.path(), &nonsense).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// Annotations of ids 1 to 60 and 1001 to 1060, whose per-second files agree with valence and arousal; if `crossed`, the
/// static file has the columns crossed for the low ids.
fn rated(root: &Path, crossed: bool, with_dynamics: bool) {
    let mut rows = Vec::new();
    let (mut valences, mut arousals) = (
        String::from("song_id,sample_15000ms\n"),
        String::from("song_id,sample_15000ms\n"),
    );
    for base in [0, 1000] {
        for i in 1..=60_u32 {
            let (v, a) = (f64::from(i * 37 % 60) / 60.0, f64::from(i * 23 % 59) / 59.0);
            let id = base + i;
            valences.push_str(&format!("{id},{},{}\n", v - 0.55, v - 0.45));
            arousals.push_str(&format!("{id},{},NaN,\n", a - 0.5));
            let (mut x, mut y) = ((2.0 + 5.0 * v, 1.0), (2.0 + 5.0 * a, 2.0));
            if crossed && base == 0 {
                std::mem::swap(&mut x, &mut y);
            }
            rows.push(format!("{id},{},{},{},{}", x.0, x.1, y.0, y.1));
        }
    }
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    write(
        &root
            .join(SONG_LEVEL)
            .join("static_annotations_averaged_songs_1_2000.csv"),
        statics(&rows),
    );
    if with_dynamics {
        write(&root.join(DYNAMIC).join("valence.csv"), valences);
        write(&root.join(DYNAMIC).join("arousal.csv"), arousals);
    }
}

fn labels(root: &Path, choice: ColumnChoice) -> Labels {
    DeamFiles::find(root).unwrap().labels(choice).unwrap()
}

#[test]
fn crossed_columns_are_found_by_correlation_and_exchanged_unless_asked_not_to() {
    let dir = tempfile::tempdir().unwrap();
    rated(dir.path(), true, true);
    let published = labels(dir.path(), ColumnChoice::AsPublished);
    let report = published.columns;
    assert_eq!(report.up_to_1000.finding, Finding::Crossed);
    assert_eq!(report.above_1000.finding, Finding::Straight);
    assert_eq!(report.exchanged, 0);
    let corrected = labels(dir.path(), ColumnChoice::Corrected);
    let report = corrected.columns;
    assert_eq!((report.exchanged, report.up_to_1000.songs), (60, 60));
    let r = report.up_to_1000.correlations.unwrap();
    assert!(
        r.valence_arousal > 0.999 && r.arousal_valence > 0.999,
        "{r:?}"
    );
    assert!(
        report
            .message()
            .unwrap()
            .contains("crossed in the file for the 60 songs with ids up to 1000")
    );
    for (p, c) in published.songs.iter().zip(&corrected.songs) {
        if c.id.parse::<u64>().unwrap() <= 1000 {
            assert_eq!(p.affect.valence_mean, c.affect.arousal_mean);
            assert_eq!(c.affect.valence_std, 1.0);
        } else {
            assert_eq!(p, c);
        }
    }
}

#[test]
fn straight_columns_stay_despite_the_published_file_name() {
    let dir = tempfile::tempdir().unwrap();
    rated(dir.path(), false, true);
    let report = labels(dir.path(), ColumnChoice::Corrected).columns;
    assert_eq!(report.up_to_1000.finding, Finding::Straight);
    assert_eq!((report.exchanged, report.message()), (0, None));
}

#[test]
fn without_evidence_nothing_is_exchanged_and_the_report_warns() {
    let dir = tempfile::tempdir().unwrap();
    rated(dir.path(), true, false);
    let report = labels(dir.path(), ColumnChoice::Corrected).columns;
    assert_eq!(report.up_to_1000.finding, Finding::Unknown);
    assert_eq!(report.exchanged, 0);
    assert!(report.message().unwrap().contains("unknown whether"));
}

/// A directory of the real data that the environment names, if it exists.
fn real(part: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("CIRCUMPLEX_DATA").map(|data| PathBuf::from(data).join(part));
    let found = directory.filter(|f| f.is_dir());
    if found.is_none() {
        eprintln!(
            "skipped: CIRCUMPLEX_DATA names no directory with {part}/ (real music, not part of the project)"
        );
    }
    found
}

#[test]
fn deams_published_file_is_known_by_its_values_and_read_corrected() {
    let Some(deam) = real("deam") else { return };
    let annotations = labels(&deam, ColumnChoice::Corrected);
    let report = annotations.columns;
    assert_eq!(annotations.songs.len(), 1802);
    assert!(annotations.rejected.is_empty());
    assert_eq!(report.up_to_1000.finding, Finding::Crossed);
    assert_eq!(report.up_to_1000.evidence, Evidence::KnownFile);
    assert_eq!(report.exchanged, 744);
    let second = annotations.songs.iter().find(|s| s.id == "2").unwrap();
    assert_eq!(
        (second.affect.valence_mean, second.affect.arousal_mean),
        (3.0, 3.1)
    );
    let late = annotations.songs.iter().find(|s| s.id == "2001").unwrap();
    assert_eq!(
        (late.affect.arousal_mean, late.affect.arousal_std),
        (6.6, 0.8)
    );
}

#[test]
fn emomusics_per_second_annotations_show_that_deams_columns_are_crossed() {
    let (Some(deam), Some(emomusic)) = (real("deam"), real("emomusic")) else {
        return;
    };
    let mut files = DeamFiles::find(&deam).unwrap();
    files.per_second = Some([
        emomusic.join("valence_cont_average.csv"),
        emomusic.join("arousal_cont_average.csv"),
    ]);
    let report = files.labels(ColumnChoice::AsPublished).unwrap().columns;
    assert_eq!(report.up_to_1000.finding, Finding::Crossed);
    assert_eq!(report.up_to_1000.evidence, Evidence::PerSecondAnnotations);
    let r = report.up_to_1000.correlations.unwrap();
    assert_eq!(r.songs, 744);
    for (found, expected) in [
        (r.valence_valence, 0.5752),
        (r.arousal_arousal, 0.5696),
        (r.valence_arousal, 0.9559),
        (r.arousal_valence, 0.9497),
    ] {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}

#[test]
fn the_mer4q_set_is_whole_and_its_artists_are_known() {
    let Some(mer4q) = real("mer4q") else { return };
    let data = Dataset::open(&mer4q, &LabelOptions::default()).unwrap();
    assert_eq!(data.songs.len(), 600);
    assert!(data.without_audio.is_empty() && data.without_labels.is_empty());
    let known = data.songs.iter().filter(|s| s.artist.is_some()).count();
    assert_eq!(known, 597);
    assert_eq!(data.columns.message(), None);
    let folds = Folds::draw(&data.songs, 5, true, 1).unwrap();
    let fold = |i: usize| folds.fold_of(&data.songs[i].id).unwrap();
    assert_together(&data.songs, fold, true);
    for number in 0..5 {
        let songs = (0..600).filter(|i| fold(*i) == number).count();
        assert_eq!(songs, 120, "fold {number}");
    }
}
