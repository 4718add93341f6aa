//! `circumplex train`: labeled music to a model file.

mod comparison;
mod directory;
mod division;
mod memory;
mod outcome;
mod search;
mod watch;

pub(super) use self::memory::keep_freed_memory;

use self::{
    comparison::Comparison,
    directory::{Plan, RunDirectory},
    division::{Division, SplitChoice},
    outcome::Job,
};
use super::{
    CliError, CliResult, Console, Exit, Threads,
    analyze::report::duration,
    evaluate::{report_columns, report_left_out},
    file_name,
    labels::LabelSource,
    stop_on_signal,
};
use crate::{
    atomic_file::directory_of,
    dataset::{Dataset, LabeledSong, Spectrograms, VotedSong, read_unlabeled, read_votes},
    error::ErrorKind,
    mel::MelConfig,
    model::{LabelSet, Recipe, SetLabels},
    text::count,
    train::{DeviceName, Run, Songs, Targets, targets},
};
use std::{
    path::{Path, PathBuf},
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Train a model on labeled music and write it, with all that belongs to it, into a directory
#[derive(clap::Args)]
#[command(
    after_help = "Without --folds a fifth of the songs is the test, a tenth validates and decides which epoch is kept; \
                  the scores in the model are those of the test songs. With --folds each song is judged by a network \
                  that was not trained on it, and the model is then trained on all songs. In both cases the model carries the \
                  part or fold of every song; `circumplex evaluate --split test` judges the same test songs again.\n\n\
                  The directory gets model.onnx, recipe.toml (as it was followed), split.csv or folds.csv, log.csv and \
                  log.jsonl (one row per epoch), predictions.parquet (of the test songs, or of all songs \
                  out of fold), scores.json and report.html. During the run, checkpoints/ holds its state: after Ctrl-C, a \
                  full disk or a power cut the same command with --resume continues after the last whole epoch, to the \
                  same result. On the processor the same seed and number of --threads give the same files, byte for byte.\n\n\
                  With --search the directory gets trials.json (every trial so far), trials.svg, split.csv and best.toml. The same \
                  command continues an interrupted search. Test songs are not used.\n\n\
                  Examples:\n  \
                    circumplex train --data DEAM --folds 5 -o run\n  \
                    circumplex train --data DEAM --recipes all --table table.md -o compared\n  \
                    circumplex train --data DEAM --search space.toml --trials 30 -o search\n  \
                    circumplex train --data DEAM --recipe best-cnn-felt --set votes=EMOTIFY -o felt"
)]
pub(crate) struct Args {
    /// A directory in DEAM's layout, or a label file (CSV or Parquet) beside its audio
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The directory to write; with --recipes, a directory for each recipe is made in it
    #[arg(short, long, value_name = "DIRECTORY")]
    output: PathBuf,
    /// The recipe: one inside this program by its name, or a TOML file [default: best-cnn]
    #[arg(long, value_name = "NAME|FILE")]
    recipe: Option<String>,
    /// Train several recipes on the same split and compare them; `all` names those inside this program, and leaves out one
    /// whose sets or teachers are missing
    #[arg(
        long,
        value_name = "NAME|FILE,...",
        value_delimiter = ',',
        conflicts_with = "recipe"
    )]
    recipes: Vec<String>,
    /// With --recipes: also write the comparison as a Markdown table
    #[arg(long, value_name = "FILE", requires = "recipes")]
    table: Option<PathBuf>,
    /// Search hyper-parameters: a TOML file with the recipe to start from and the values to try
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipe", "recipes"])]
    search: Option<PathBuf>,
    /// With --search: combinations to try
    #[arg(long, value_name = "COUNT", requires = "search", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    trials: u16,
    /// Seed of every random choice, instead of the recipe's
    #[arg(long)]
    seed: Option<u64>,
    /// Passes over the songs, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// How songs are divided: `random`, `artist` (no artist on two sides), or a file: song_id and part (train,
    /// validation, test), or the ids of the test songs, one on a line [default: artist where artists are known]
    #[arg(long, value_name = "random|artist|FILE")]
    split: Option<SplitChoice>,
    /// Cross-validate in this many parts for the scores, then train on all songs
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u8).range(2..=50))]
    folds: Option<u8>,
    /// Resume an interrupted run; a finished one is kept
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Train again if the directory already holds a run
    #[arg(long)]
    force: bool,
    /// Where to compute: auto (CUDA where libtorch has it), cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceName,
    #[command(flatten)]
    labels: LabelSource,
    /// The data of a set that the recipe names: votes of listeners (a table with a column for each word, or a directory with
    /// songs.csv and audio), or a directory of audio without labels
    #[arg(long = "set", value_name = "NAME=DATA", value_parser = named_set)]
    sets: Vec<(String, PathBuf)>,
    /// The directory of the recipe's teachers, in which their outputs are also kept [default: where `cargo xtask teachers`
    /// writes them]
    #[arg(long, value_name = "DIRECTORY")]
    teachers: Option<PathBuf>,
    /// Has no effect: spectrograms are computed at the start of a run and held in memory
    #[arg(long, value_name = "DIRECTORY", hide = true)]
    cache: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let started = Instant::now();
    memory::keep_freed_memory();
    let threads = args.threads.count().get();
    tch::set_num_threads(threads as i32);
    // Batches are made in rayon's pool. Where it has been started before, it stays as it is.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global();
    let device = args.device.find()?;
    let runs = match args.search {
        Some(_) => Vec::new(),
        None => plan(&args, console)?,
    };
    let mut session = Session {
        args: &args,
        device,
        console,
        division: None,
        spectrograms: None,
        stop: None,
        left_out: 0,
    };
    if args.cache.is_some() {
        console.remark("--cache has no effect: spectrograms are computed at the start of a run.");
    }
    if let Some(space) = &args.search {
        return search::run(&mut session, space);
    }
    let mut comparison = Comparison::new(args.epochs);
    for (number, planned) in runs.iter().enumerate() {
        let name = &planned.recipe.name;
        if runs.len() > 1 {
            console.remark(&format!("{name} ({} of {})", number + 1, runs.len()));
        }
        match session.train(planned) {
            Ok(summary) => comparison.add(&planned.recipe, &summary),
            Err(error) => {
                return session.stopped(&planned.path, "the same command with --resume", error);
            }
        }
    }
    if !args.recipes.is_empty() {
        console.print(&format!("\n{}", comparison.text()))?;
        if let Some(table) = &args.table {
            comparison.save(table)?;
        }
    }
    let output = args.output.display();
    let model = match args.recipes.is_empty() {
        true => "model.onnx",
        false => "RECIPE/model.onnx",
    };
    console.remark(&format!(
        "{output}: done in {}. Use it: circumplex analyze --model {output}/{model} MUSIC -o library.parquet",
        duration(started.elapsed().as_secs_f64())
    ));
    Ok(Exit::of_files(1, session.left_out))
}

/// Reads the recipes and looks at the directories, before anything costs time or is changed.
fn plan(args: &Args, console: &Console) -> Result<Vec<RunDirectory>, CliError> {
    if args.recipes.is_empty() {
        let recipe = match &args.recipe {
            Some(recipe) => Recipe::find(recipe)?,
            None => Recipe::standard()?,
        };
        let recipe = adapted(recipe, args)?;
        check_sources(args, slice::from_ref(&recipe))?;
        return Ok(vec![RunDirectory::look(args.output.clone(), recipe, args)?]);
    }
    if RunDirectory::is_run(&args.output) {
        bail!(
            "{} is the directory of one run; with --recipes give a directory to make their directories in",
            args.output.display()
        );
    }
    if let Some(table) = &args.table {
        let directory = directory_of(table);
        if table.is_dir() || !(directory.is_dir() || directory == args.output) {
            bail!(
                "cannot write --table {}: expected a file in a directory that exists",
                table.display()
            );
        }
    }
    let mut recipes = Vec::new();
    for name in &args.recipes {
        if name != "all" {
            recipes.push(adapted(Recipe::find(name)?, args)?);
            continue;
        }
        for name in Recipe::names() {
            let recipe = adapted(Recipe::find(name)?, args)?;
            match missing_source(args, &recipe) {
                Some(missing) => console.remark(&format!("{name} is left out: {missing}")),
                None => recipes.push(recipe),
            }
        }
    }
    check_sources(args, &recipes)?;
    let mut runs: Vec<RunDirectory> = Vec::new();
    for recipe in recipes {
        let name = &recipe.name;
        if Path::new(name).file_name() != Some(name.as_ref()) || name.contains('\\') {
            bail!("the recipe {name:?} cannot have a directory of that name; give it another name");
        }
        if runs.iter().any(|other| other.recipe.name == *name) {
            bail!(
                "two recipes are called {name}, and would share a directory; give them different names"
            );
        }
        let path = args.output.join(name);
        runs.push(RunDirectory::look(path, recipe, args)?);
    }
    Ok(runs)
}

/// State that the runs of one command share.
struct Session<'a> {
    args: &'a Args,
    device: tch::Device,
    console: &'a Console,
    /// Drawn for the first recipe, the same for all.
    division: Option<Division>,
    /// The spectrograms of the last recipe with their settings and files; the next may have the same.
    spectrograms: Option<(MelConfig, Vec<PathBuf>, Arc<Spectrograms>)>,
    stop: Option<Arc<AtomicBool>>,
    /// Songs that could not be decoded.
    left_out: usize,
}

impl Session<'_> {
    /// Trains one recipe, or finds it trained; what its `scores.json` holds.
    fn train(&mut self, directory: &RunDirectory) -> Result<serde_json::Value, CliError> {
        let recipe = &directory.recipe;
        let is_kept = directory.plan == Plan::Keep;
        let (args, console) = (self.args, self.console);
        let mut dataset = self.open(recipe)?;
        let _lock = (!is_kept).then(|| directory.begin()).transpose()?;
        let (more, spectrograms) = self.load(recipe, &mut dataset)?;
        let stop = self.stop()?;
        let songs = &dataset.songs;
        let division = match &self.division {
            Some(division) => division,
            None => {
                let choice = args.split.as_ref();
                let folds = args.folds.map(usize::from);
                let division = Division::of(songs, choice, folds, recipe.seed, console)?;
                self.division.insert(division)
            }
        };
        division.keep_in(directory)?;
        if is_kept {
            let path = directory.path.display();
            console.remark(&format!("{path} holds this run, finished: it is kept."));
            return directory.scores();
        }
        let targets = teachers_targets(args, recipe, &audio_of(songs, &more), console)?;
        let summary = Job {
            run: Run {
                recipe,
                data_name: &file_name(&args.data),
                songs: Songs {
                    songs,
                    more: &more,
                    words: recipe.votes().map(|set| &set.words),
                    spectrograms: &spectrograms,
                    targets: &targets,
                },
                device: self.device,
                checkpoints: Some(&directory.checkpoints()),
            },
            division,
            directory,
            labels: dataset.columns,
            stop: &stop,
            console,
        }
        .carry_out()?;
        directory.finish()?;
        Ok(summary)
    }

    /// Reads the songs that a recipe labels.
    fn open(&self, recipe: &Recipe) -> Result<Dataset, CliError> {
        let (args, console) = (self.args, self.console);
        let mut dataset = Dataset::open(&args.data, &args.labels.options(recipe.labels.sigma))?;
        if self.division.is_none() {
            report_columns(console, &dataset);
            report_left_out(console, &dataset);
        }
        if let Some(split) = &args.split {
            split.check(&dataset.songs, args.folds.is_some())?;
        }
        if let Some(division) = &self.division {
            dataset.songs.retain(|song| division.knows(song));
        }
        Ok(dataset)
    }

    /// Reads the songs of the recipe's sets, and the spectrograms of all.
    fn load(
        &mut self,
        recipe: &Recipe,
        dataset: &mut Dataset,
    ) -> Result<(Vec<VotedSong>, Arc<Spectrograms>), CliError> {
        let mut more = self.sets(recipe)?;
        let found = dataset.songs.len() + more.len();
        let spectrograms = self.spectrograms(dataset, &mut more, &recipe.features)?;
        self.left_out += found - dataset.songs.len() - more.len();
        Ok((more, spectrograms))
    }

    /// The flag that Ctrl-C sets.
    fn stop(&mut self) -> Result<Arc<AtomicBool>, CliError> {
        let stop = match &mut self.stop {
            Some(stop) => stop,
            stop => stop.insert(stop_on_signal()?),
        };
        Ok(stop.clone())
    }

    /// Reports the end of a run: where it was stopped, how to resume.
    fn stopped(&self, directory: &Path, again: &str, error: CliError) -> CliResult {
        let asked = (self.stop.as_ref()).is_some_and(|stop| stop.load(Ordering::Relaxed));
        match error.downcast_ref::<crate::Error>() {
            Some(error) if asked && error.kind() == ErrorKind::Interrupted => {
                self.console.warning(&format!(
                    "{error}; {} holds what was done before it. To resume: {again}",
                    directory.display()
                ));
                Ok(Exit::Interrupted)
            }
            _ => Err(error),
        }
    }

    /// The songs of the recipe's sets.
    fn sets(&self, recipe: &Recipe) -> Result<Vec<VotedSong>, CliError> {
        let mut songs = Vec::new();
        for set in &recipe.sets {
            let mut given = self.args.sets.iter().filter(|(name, _)| *name == set.name);
            let Some((_, data)) = given.next_back() else {
                continue;
            };
            let found = match set.labels {
                SetLabels::Votes => read_votes(data, &set.words)?,
                SetLabels::None => read_unlabeled(data)?,
            };
            if self.args.search.is_none() {
                let songs_of = count(found.len() as u64, "song", "songs");
                let name = &set.name;
                self.console.remark(&format!("Set {name}: {songs_of}."));
            }
            songs.extend(found);
        }
        Ok(songs)
    }

    /// The spectrograms of all songs. A song that cannot be decoded is named and leaves its set.
    fn spectrograms(
        &mut self,
        dataset: &mut Dataset,
        more: &mut Vec<VotedSong>,
        mel: &MelConfig,
    ) -> Result<Arc<Spectrograms>, CliError> {
        let files = audio_of(&dataset.songs, more);
        if let Some((settings, known, spectrograms)) = &self.spectrograms
            && (settings, known) == (mel, &files)
        {
            return Ok(spectrograms.clone());
        }
        self.spectrograms = None;
        let bar = self.console.progress(
            files.len() as u64,
            Some("Spectrograms {bar:30} {pos}/{len}, {eta} left"),
        );
        let (spectrograms, failed) = Spectrograms::compute(mel, &files, || bar.inc(1))?;
        bar.finish_and_clear();
        if let [(_, reason), ..] = &failed[..]
            && failed.len() == files.len()
        {
            bail!("no song can be decoded; the first: {reason}");
        }
        for (_, reason) in &failed {
            self.console.warning(&format!("left out: {reason}"));
        }
        let mut places = 0..;
        let mut is_decoded = || {
            let place = places.next();
            failed.iter().all(|(failed, _)| Some(*failed) != place)
        };
        dataset.songs.retain(|_| is_decoded());
        more.retain(|_| is_decoded());
        let spectrograms = Arc::new(spectrograms);
        let decoded = audio_of(&dataset.songs, more);
        self.spectrograms = Some((mel.clone(), decoded, spectrograms.clone()));
        Ok(spectrograms)
    }
}

/// The audio files of a run's songs, in the order of their positions.
fn audio_of(songs: &[LabeledSong], more: &[VotedSong]) -> Vec<PathBuf> {
    let songs = songs.iter().map(|song| &song.audio);
    songs
        .chain(more.iter().map(|song| &song.audio))
        .cloned()
        .collect()
}

/// The outputs of the recipe's teachers for audio files.
fn teachers_targets(
    args: &Args,
    recipe: &Recipe,
    files: &[PathBuf],
    console: &Console,
) -> Result<Vec<Targets>, CliError> {
    let directory = teachers_directory(args);
    let mut all = Vec::new();
    for teacher in &recipe.teachers {
        let template = format!("{} {{bar:30}} {{pos}}/{{len}}, {{eta}} left", teacher.name);
        let bar = console.progress(files.len() as u64, Some(&template));
        let targets = targets(teacher, &directory, files, || bar.inc(1));
        bar.finish_and_clear();
        all.push(targets?);
    }
    Ok(all)
}

/// The directory of teachers: by default where `cargo xtask teachers` writes them, in the user's cache.
fn teachers_directory(args: &Args) -> PathBuf {
    if let Some(directory) = &args.teachers {
        return directory.clone();
    }
    let set = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let cache = set("CIRCUMPLEX_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("circumplex")))
        .or_else(|| Some(set("HOME")?.join(".cache/circumplex")));
    cache.unwrap_or_default().join("teachers")
}

/// The recipe with the changes that the command line asks for.
fn adapted(mut recipe: Recipe, args: &Args) -> crate::Result<Recipe> {
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    recipe.optimizer.epochs = args.epochs.unwrap_or(recipe.optimizer.epochs);
    recipe.checked("from the command line")
}

/// A set or teacher of the recipe that is not there, and how to give it.
fn missing_source(args: &Args, recipe: &Recipe) -> Option<String> {
    for LabelSet { name, .. } in &recipe.sets {
        if !args.sets.iter().any(|(given, _)| given == name) {
            return Some(format!(
                "it also learns from the set {name:?}; give its data with --set {name}=DATA"
            ));
        }
    }
    let directory = teachers_directory(args);
    for teacher in &recipe.teachers {
        let file = directory.join(&teacher.file);
        if !file.exists() {
            return Some(format!(
                "its teacher {} is not there; run `cargo xtask teachers`, or name its directory with --teachers",
                file.display()
            ));
        }
    }
    None
}

/// Checks, before anything is written, that every recipe has its sets and teachers, and every `--set` its recipe.
fn check_sources(args: &Args, recipes: &[Recipe]) -> Result<(), CliError> {
    for (name, _) in &args.sets {
        let has_set = |recipe: &Recipe| recipe.sets.iter().any(|set| set.name == *name);
        if !recipes.iter().any(has_set) {
            bail!("--set {name}: no recipe of this run has a set of that name");
        }
    }
    for recipe in recipes {
        if let Some(missing) = missing_source(args, recipe) {
            bail!("the recipe {} cannot be followed: {missing}", recipe.name);
        }
    }
    Ok(())
}

/// Reads a value of `--set`.
fn named_set(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, data)) if !name.is_empty() && !data.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(data)))
        }
        _ => Err("expected NAME=DATA, such as votes=emotify/".to_owned()),
    }
}
