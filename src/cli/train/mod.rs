//! `circumplex train`: labelled music to a model file.

mod outcome;
mod watch;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use self::outcome::{Output, SplitChoice, with_folds, with_split};
use super::{
    CliError, CliResult,
    console::Console,
    evaluate::{report_columns, report_left_out},
    exit::Exit,
    labels::LabelSource,
    table::visible,
    threads::Threads,
};
use crate::{
    atomic_file,
    dataset::{CacheError, CacheProgress, Dataset, SpectrogramCache},
    error_text::one_line,
    model::{Bundle, Recipe},
    train::{Run, Songs},
};

/// Train a model on labelled music and write it as one ONNX file
#[derive(clap::Args)]
#[command(
    after_help = "Without --folds a fifth of the songs is the test, a tenth validates and decides which epoch is kept; \
                  the scores in the model are those of the test songs. With --folds each song is judged by a network \
                  that did not hear it, and the model is then trained on all songs. Either way the model carries the \
                  part or fold of every song; `circumplex evaluate --split test` judges the same test songs again."
)]
pub struct Args {
    /// A folder in DEAM's layout, or a label file (CSV or Parquet) beside its audio
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The model file to write; its split goes beside it, as .split.csv (or .folds.csv)
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
    /// How songs are kept apart: `random`, `artist` (no artist on two sides), or a file: song_id and part (train,
    /// validation, test), or the ids of the test songs, one on a line [default: artist where artists are known]
    #[arg(long, value_name = "random|artist|FILE")]
    split: Option<SplitChoice>,
    /// Cross-validate in this many parts for the scores, then train on all songs
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u8).range(2..=50))]
    folds: Option<u8>,
    #[command(flatten)]
    labels: LabelSource,
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
    let mut dataset = Dataset::open(&args.data, &args.labels.options(recipe.labels.sigma))?;
    report_columns(console, &dataset);
    report_left_out(console, &dataset);
    if let Some(split) = &args.split {
        split.check(&dataset.songs, args.folds.is_some())?;
    }
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
    let output = Output {
        model: &args.output,
        labels: dataset.columns,
        console,
    };
    let beside = match args.folds {
        Some(folds) => with_folds(&run, usize::from(folds), args.split.as_ref(), output)?,
        None => with_split(&run, args.split.as_ref(), output)?,
    };
    console.remark(&format!(
        "Wrote {} and {} in {}. Use it: circumplex analyze --model {0} FOLDER -o library.parquet",
        args.output.display(),
        beside.display(),
        minutes(started)
    ));
    Ok(Exit::of_files(
        dataset.songs.len(),
        found - dataset.songs.len(),
    ))
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
