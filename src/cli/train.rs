//! `circumplex train`: labelled music to a model file.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use indicatif::ProgressBar;

use super::{
    CliError, CliResult,
    console::Console,
    evaluate::{report_left_out, tables},
    exit::Exit,
    table::visible,
    threads::Threads,
};
use crate::{
    atomic_file,
    dataset::{
        CacheError, CacheProgress, Dataset, Fractions, LabelOptions, Part, SpectrogramCache, Split,
        k_folds,
    },
    error_text::one_line,
    evaluate::{Scores, labelled},
    model::{Bundle, Recipe},
    train::{CrossValidation, EpochScores, Event, Run, Songs, judge, scores_of},
};

/// Train a model on labelled music and write it as one ONNX file
#[derive(clap::Args)]
pub struct Args {
    /// Folder in DEAM's layout: audio and annotations
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// The model file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// TOML file that describes the run; without one, the recipe of the model inside this program
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Seed of every random choice, instead of the recipe's
    #[arg(long)]
    seed: Option<u64>,
    /// Passes over the songs, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// Cross-validate in this many parts, no artist in two of them; then train on all songs
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u8).range(2..=50))]
    folds: Option<u8>,
    /// Where spectrograms are kept between runs [default: the user's cache folder]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let started = Instant::now();
    let threads = args.threads.count().get();
    tch::set_num_threads(threads as i32);
    let mut recipe = match &args.recipe {
        Some(path) => Recipe::load(path)?,
        None => Recipe::shipped()?,
    };
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    recipe.optimizer.epochs = args.epochs.unwrap_or(recipe.optimizer.epochs);
    let recipe = recipe.checked("from the command line")?;
    check_output(&args.output)?;
    let mut dataset = Dataset::open(
        &args.data,
        &LabelOptions {
            sigma: recipe.labels.sigma,
            ..LabelOptions::default()
        },
    )?;
    report_left_out(console, &dataset);
    let found = dataset.songs.len();
    let cache = spectrograms(&mut dataset, &recipe, args.cache, console)?;
    let name = args
        .data
        .file_name()
        .unwrap_or(args.data.as_os_str())
        .to_string_lossy();
    let run = Run {
        recipe: &recipe,
        data_name: &name,
        songs: Songs {
            songs: &dataset.songs,
            cache: &cache,
        },
    };
    match args.folds {
        Some(folds) => with_folds(&run, usize::from(folds), &args.output, console)?,
        None => with_split(&run, &args.output, console)?,
    }
    console.remark(&format!(
        "Wrote {} in {}. Use it: circumplex analyze --model {0} FOLDER -o library.parquet",
        args.output.display(),
        minutes(started)
    ));
    Ok(Exit::of_files(
        dataset.songs.len(),
        found - dataset.songs.len(),
    ))
}

/// One split: a fifth of the songs validates, and decides which epoch is kept.
fn with_split(run: &Run<'_>, output: &Path, console: &Console) -> Result<(), CliError> {
    let songs = run.songs.songs;
    let fractions = Fractions {
        test: 0.0,
        validation: 0.2,
    };
    let by_artist = songs.iter().any(|song| song.artist.is_some());
    let split = if by_artist {
        Split::artist_disjoint(songs, fractions, run.recipe.seed)?
    } else {
        console.remark(
            "No artist is known: songs are split at random, so an artist may stand on both sides.",
        );
        Split::random(songs, fractions, run.recipe.seed)?
    };
    let (training, validation) = (
        split.indices(songs, Part::Train),
        split.indices(songs, Part::Validation),
    );
    console.remark(&format!(
        "Training on {} songs, validating on {}.",
        training.len(),
        validation.len()
    ));
    let mut watch = Watch::new(run, console, 1);
    let trained = run.train(&training, &validation, |event| watch.event(0, event))?;
    watch.finish();
    let asked: Vec<_> = validation.iter().map(|&song| &songs[song]).collect();
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
    let method = if by_artist {
        "validation songs, no artist in training"
    } else {
        "validation songs"
    };
    let bundle = write(output, &trained.onnx(described(&scores, method)?)?)?;
    console.print(&tables(&scores, &bundle))?;
    Ok(())
}

/// Cross-validation for the scores, then all songs for the model.
fn with_folds(
    run: &Run<'_>,
    count: usize,
    output: &Path,
    console: &Console,
) -> Result<(), CliError> {
    let songs = run.songs.songs;
    let by_artist = songs.iter().any(|song| song.artist.is_some());
    if !by_artist {
        console.remark(
            "No artist is known: songs are split at random, so an artist may stand on both sides.",
        );
    }
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
    let trained = run.train(&all, &[], |event| watch.event(count, event))?;
    watch.finish();
    let bundle = write(output, &trained.onnx(described(&scores, &method)?)?)?;
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
    console.print(&tables(&scores, &bundle))?;
    Ok(())
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

/// The spectrograms of all songs. A song that cannot be decoded is named and leaves the data set.
fn spectrograms(
    dataset: &mut Dataset,
    recipe: &Recipe,
    folder: Option<PathBuf>,
    console: &Console,
) -> Result<SpectrogramCache, CliError> {
    let folder = folder
        .or_else(user_cache_folder)
        .ok_or("there is no home folder to keep spectrograms in; name a folder with --cache")?;
    loop {
        let files: Vec<PathBuf> = dataset
            .songs
            .iter()
            .map(|song| song.audio.clone())
            .collect();
        let bar = console.progress(
            files.len() as u64,
            Some("Spectrograms {bar:30} {pos}/{len}, {eta} left"),
        );
        let cache =
            SpectrogramCache::open_or_build(&folder, &recipe.preprocessing(), &files, |progress| {
                match progress {
                    CacheProgress::Waiting => bar.set_message("waiting for another run"),
                    CacheProgress::Checked { ready, .. } => bar.set_position(ready as u64),
                    CacheProgress::Song { done, .. } => bar.set_position(done as u64),
                }
            });
        bar.finish_and_clear();
        match cache {
            Err(CacheError::Songs { failed, .. }) if failed.len() < files.len() => {
                for song in &failed {
                    console.warning(&visible(&format!("left out: {}", one_line(&song.error))));
                }
                let mut index = 0;
                dataset.songs.retain(|_| {
                    index += 1;
                    failed.iter().all(|song| song.index != index - 1)
                });
            }
            cache => return Ok(cache?),
        }
    }
}

/// `$XDG_CACHE_HOME/circumplex`, or `.cache/circumplex` in the home folder.
fn user_cache_folder() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => std::env::home_dir()?.join(".cache"),
    };
    Some(base.join("circumplex"))
}

/// Finds out before hours of training whether the model can be written.
fn check_output(path: &Path) -> Result<(), CliError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    tempfile::NamedTempFile::new_in(folder).map_err(|error| {
        format!(
            "cannot write {}: {error}; choose another -o",
            path.display()
        )
    })?;
    Ok(())
}

/// Writes the model whole or not at all, and reads it back as `analyze` would.
fn write(path: &Path, onnx: &[u8]) -> Result<Bundle, CliError> {
    atomic_file::write(path, |file| file.write_all(onnx))?;
    Ok(Bundle::load(path)?)
}

fn minutes(since: Instant) -> String {
    let seconds = since.elapsed().as_secs();
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

/// Shows training as it goes.
struct Watch {
    bar: ProgressBar,
    epochs: u64,
    runs: usize,
    quiet: bool,
}

impl Watch {
    fn new(run: &Run<'_>, console: &Console, runs: usize) -> Self {
        let epochs = run.recipe.optimizer.epochs as u64;
        // steps of a thousandth of an epoch
        let bar = console.progress(
            epochs * runs as u64 * 1000,
            Some("Training {bar:30} {percent}% {msg}, {eta} left"),
        );
        Self {
            bar,
            epochs,
            runs,
            quiet: console.is_quiet(),
        }
    }

    fn event(&mut self, fold: usize, event: Event) -> bool {
        let place = |epoch: usize| (fold as u64 * self.epochs + epoch as u64) * 1000;
        let run = if self.runs > 1 {
            format!("run {} of {}, ", fold + 1, self.runs)
        } else {
            String::new()
        };
        match event {
            Event::Batch {
                epoch,
                batch,
                batches,
                loss,
            } => {
                self.bar
                    .set_position(place(epoch) + (batch as u64 + 1) * 1000 / batches as u64);
                self.bar.set_message(format!(
                    "{run}epoch {}, batch {}/{batches}, loss {loss:.3}",
                    epoch + 1,
                    batch + 1
                ));
            }
            Event::Epoch(EpochScores {
                epoch,
                loss,
                validation_mae,
                ..
            }) => {
                self.bar.set_position(place(epoch + 1));
                let validation = validation_mae.map_or(String::new(), |error| {
                    format!(", validation MAE {error:.2}")
                });
                let line = format!("{run}epoch {:>3}: loss {loss:.4}{validation}", epoch + 1);
                if self.bar.is_hidden() && !self.quiet {
                    let _ = writeln!(std::io::stderr(), "{line}");
                } else {
                    self.bar.println(line);
                }
            }
        }
        true
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
