//! The two ways to a model with honest scores, one split or cross-validation, and what is written of them.

use super::{watch::Watch, write};
use crate::{
    cli::{CliError, console::Console, scores::tables},
    dataset::{
        ColumnReport, Folds, Fractions, LabelledSong, Part, Provenance, Split, SplitMethod,
        k_folds, save_folds,
    },
    evaluate::{Scores, labelled},
    train::{CrossValidation, Run, judge, scores_of},
};
use std::{
    convert::Infallible,
    fmt::Write as _,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A fifth is the test, as in the published split of DEAM (361 of 1,802 songs); a tenth decides the epoch.
const FRACTIONS: Fractions = Fractions {
    test: 0.2,
    validation: 0.1,
};

/// `--split`: how songs are kept apart.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitChoice {
    /// By song.
    Random,
    /// By artist.
    Artist,
    /// As a file says.
    File(PathBuf),
}

impl FromStr for SplitChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "random" => Self::Random,
            "artist" => Self::Artist,
            file => Self::File(file.into()),
        })
    }
}

impl SplitChoice {
    /// Finds out before spectrograms are made whether the choice can be followed.
    pub fn check(&self, songs: &[LabelledSong], folds: bool) -> Result<(), CliError> {
        match self {
            Self::File(path) if folds => Err(format!(
                "--split {}: a file of parts says nothing of folds; with --folds give random or artist",
                path.display()
            )
            .into()),
            Self::File(path) if !path.exists() => Err(format!(
                "--split {}: expected random, artist, or a file that exists",
                path.display()
            )
            .into()),
            Self::File(path) => {
                let split = Split::from_file(path, songs)?;
                for part in [Part::Train, Part::Test] {
                    if split.indices(songs, part).is_empty() {
                        return Err(format!(
                            "--split {}: it names no {part} song; expected at least one",
                            path.display()
                        )
                        .into());
                    }
                }
                Ok(())
            }
            Self::Random | Self::Artist => Ok(()),
        }
    }
}

/// Where results go.
#[derive(Clone, Copy)]
pub struct Output<'a> {
    /// The model file.
    pub model: &'a Path,
    /// What is known of the labels' columns.
    pub labels: ColumnReport,
    /// Where they are shown.
    pub console: &'a Console,
}

/// Whether artists are kept apart: as asked for, otherwise where they are known.
fn by_artist(songs: &[LabelledSong], choice: Option<&SplitChoice>, console: &Console) -> bool {
    match choice {
        Some(choice) => *choice == SplitChoice::Artist,
        None => {
            let known = songs.iter().any(|song| song.artist.is_some());
            if !known {
                console.remark(
                    "No artist is known: songs are split at random, so an artist may stand on both sides.",
                );
            }
            known
        }
    }
}

fn split_of(
    run: &Run<'_>,
    choice: Option<&SplitChoice>,
    console: &Console,
) -> Result<Split, CliError> {
    let (songs, seed) = (run.songs.songs, run.recipe.seed);
    if let Some(SplitChoice::File(path)) = choice {
        let split = Split::from_file(path, songs)?;
        let left_out = songs
            .iter()
            .filter(|song| split.part_of(&song.id).is_none())
            .count();
        if left_out > 0 {
            console.remark(&format!(
                "{left_out} songs that {} does not name are left out.",
                path.display()
            ));
        }
        return Ok(split);
    }
    Ok(if by_artist(songs, choice, console) {
        Split::artist_disjoint(songs, FRACTIONS, seed)?
    } else {
        Split::random(songs, FRACTIONS, seed)?
    })
}

/// One split: training songs fit the weights, validation songs decide the epoch, test songs give the scores. Returns
/// the file that the split was written to.
pub fn with_split(
    run: &Run<'_>,
    choice: Option<&SplitChoice>,
    output: Output<'_>,
) -> Result<PathBuf, CliError> {
    let Output {
        model,
        labels,
        console,
    } = output;
    let songs = run.songs.songs;
    let split = split_of(run, choice, console)?;
    let [training, validation, test] = Part::ALL.map(|part| split.indices(songs, part));
    console.remark(&format!(
        "Training on {} songs, validating on {}, testing on {}.",
        training.len(),
        validation.len(),
        test.len()
    ));
    if validation.is_empty() {
        console.remark(
            "No song validates: every epoch of the recipe is trained, and the last is kept.",
        );
    }
    let mut watch = Watch::new(run, console, 1);
    let mut trained = run.train(&training, &validation, |event| watch.event(0, event))?;
    watch.finish();
    let asked: Vec<_> = test.iter().map(|&song| &songs[song]).collect();
    let truth: Vec<_> = asked.iter().map(|song| labelled(song)).collect();
    let scores = scores_of(
        &truth,
        &judge(&trained.onnx(serde_json::Value::Null)?, &asked)?,
    )?;
    console.remark(&format!(
        "Kept epoch {} of {}; {} parameters.",
        trained.kept_epoch + 1,
        trained.history.len(),
        trained.network().parameters()
    ));
    let method = match split.method {
        SplitMethod::Artist => "test songs, no artist in training",
        SplitMethod::Random => "test songs, drawn at random",
        SplitMethod::File => "test songs of a given split",
    };
    let beside = model.with_extension("split.csv");
    split.save(&beside)?;
    trained.note(&Provenance {
        labels: Some(labels),
        split: Some(split),
        folds: None,
    })?;
    let bundle = write(model, &trained.onnx(described(&scores, method)?)?)?;
    console.print(&tables(&scores, &bundle, Some(Part::Test), &labels))?;
    Ok(beside)
}

/// Cross-validation for the scores, then all songs for the model. Returns the file that the folds were written to.
pub fn with_folds(
    run: &Run<'_>,
    count: usize,
    choice: Option<&SplitChoice>,
    output: Output<'_>,
) -> Result<PathBuf, CliError> {
    let Output {
        model,
        labels,
        console,
    } = output;
    let songs = run.songs.songs;
    let by_artist = by_artist(songs, choice, console);
    let folds = k_folds(songs, count, by_artist, run.recipe.seed)?;
    let mut watch = Watch::new(run, console, count + 1);
    let CrossValidation {
        scores,
        folds: parts,
        ..
    } = run.cross_validate(&folds, |fold, event| watch.event(fold, event))?;
    let method = format!(
        "out of fold, {count} folds{}",
        if by_artist {
            " without a common artist"
        } else {
            ""
        }
    );
    let all: Vec<usize> = (0..songs.len()).collect();
    let mut trained = run.train(&all, &[], |event| watch.event(count, event))?;
    watch.finish();
    let beside = model.with_extension("folds.csv");
    save_folds(&beside, songs, &folds)?;
    trained.note(&Provenance {
        labels: Some(labels),
        split: None,
        folds: Some(Folds::of(songs, &folds, by_artist, run.recipe.seed)),
    })?;
    let bundle = write(model, &trained.onnx(described(&scores, &method)?)?)?;
    let mut report = String::new();
    for (number, part) in parts.iter().enumerate() {
        writeln!(
            report,
            "fold {}: {} songs, MAE {:.2} (baseline {:.2}, ratio {:.3}), R2 valence {}, arousal {}",
            number + 1,
            part.songs,
            part.mae,
            part.mae_baseline,
            part.mae / part.mae_baseline,
            number_or_dash(part.valence.r2),
            number_or_dash(part.arousal.r2),
        )?;
    }
    console.print(&report)?;
    console.print(&tables(&scores, &bundle, None, &labels))?;
    Ok(beside)
}

fn number_or_dash(number: Option<f64>) -> String {
    number.map_or("-".to_owned(), |number| format!("{number:.3}"))
}

/// Scores as the model's metadata keeps them: with what they were measured on.
fn described(scores: &Scores, method: &str) -> Result<serde_json::Value, serde_json::Error> {
    let mut value = serde_json::to_value(scores)?;
    value["measured_on"] = method.into();
    Ok(value)
}
