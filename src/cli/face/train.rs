//! `circumplex face train`: labeled faces to an expression network.

use super::{
    super::{CliError, CliResult, Console, Exit, Threads, stop_on_signal},
    evaluate::{score, table, write_predictions},
};
use crate::{
    atomic_file,
    dataset::{FaceSet, Part},
    error::ErrorKind,
    evaluate::{
        faces::FaceScores,
        html::{FaceReport, write_faces},
    },
    face::FaceModel,
    text::{count, listed},
    train::{
        DeviceName,
        face::{FaceEpoch, FaceEvent, FaceRecipe, TrainedFaces, train_faces},
    },
};
use indicatif::ProgressBar;
use serde::Serialize;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// The state of a run that is in progress.
const CHECKPOINT: &str = "checkpoint.safetensors";
const RECIPE: &str = "recipe.toml";
const MODEL: &str = "model.onnx";
/// Everything that a run writes.
const FILES: [&str; 7] = [
    CHECKPOINT,
    RECIPE,
    MODEL,
    "log.csv",
    "predictions.csv",
    "scores.json",
    "report.html",
];

/// Train an expression network on labeled faces and write it, with its scores and a report, into a directory
#[derive(clap::Args)]
#[command(
    after_help = "DATA is FER+ (FER2013Train, FER2013Valid and FER2013Test with their label.csv), a CSV with the columns emotion, \
                  pixels and Usage as of FER2013 and CK+, or a directory of directories named for expressions, with or without \
                  train, validation and test above them. Faces without a part are divided at random: eight tenths train, a tenth \
                  validates, a tenth is the test. No person is on two sides where file names tell the person (S010_004.png).\n\n\
                  The directory gets model.onnx, recipe.toml, log.csv, predictions.csv, scores.json and report.html. \
                  After Ctrl-C or a power cut, the same command with --resume continues after the last whole epoch, to the same \
                  result.\n\n\
                  Examples:\n  \
                    circumplex face train --data ferplus -o face\n  \
                    circumplex face train --data ferplus --recipe face-cnn3 -o cnn3"
)]
pub(crate) struct Args {
    /// The labeled faces: a directory, or a CSV file of pixels
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The directory to write
    #[arg(short, long, value_name = "DIRECTORY")]
    output: PathBuf,
    /// The recipe: best-face, face-cnn3, face-cnn-dropout, face-vgg, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "best-face")]
    recipe: String,
    /// Seed of every random choice, instead of the recipe's
    #[arg(long)]
    seed: Option<u64>,
    /// Passes over the faces, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    /// Resume an interrupted run
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Train again if the directory already holds a run
    #[arg(long)]
    force: bool,
    /// Where to compute: auto (CUDA where libtorch has it), cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: DeviceName,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let mut recipe = FaceRecipe::find(&args.recipe)?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    recipe.training.epochs = args.epochs.unwrap_or(recipe.training.epochs);
    let recipe = recipe.checked("from the command line")?;
    let device = args.device.find()?;
    tch::set_num_threads(args.threads.count().get() as i32);
    super::super::train::keep_freed_memory();
    let output = &args.output;
    check_directory(&args)?;
    let mut set = FaceSet::open(&args.data)?;
    let shared = set.divide(recipe.seed);
    report_set(&set, console);
    if shared > 0 {
        let faces = count(shared as u64, "face is", "faces are");
        console.remark(&format!(
            "{faces} left out of training and validation: they show persons of the parts after them"
        ));
    }
    fs::create_dir_all(output).map_err(|error| cannot_write(output, &error))?;
    let kept = output.join(RECIPE);
    if !(args.resume && kept.exists()) {
        for name in FILES {
            remove(&output.join(name))?;
        }
        let text = toml::to_string(&recipe)?;
        atomic_file::write(&kept, |file| file.write_all(text.as_bytes()))?;
    }
    let stop = stop_on_signal()?;
    let mut progress = Progress::new(&recipe, &output.join("log.csv"), console, &stop);
    let trained = train_faces(&recipe, &set, device, &output.join(CHECKPOINT), |event| {
        progress.event(event)
    });
    if let Some(failure) = progress.failure.take() {
        return Err(failure.into());
    }
    drop(progress);
    let trained = match trained {
        Ok(trained) => trained,
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            console.warning(&format!(
                "{error}; {} holds what was done before it. To resume: the same command with --resume",
                output.display()
            ));
            return Ok(Exit::Interrupted);
        }
        Err(error) => return Err(error.into()),
    };
    finish(&args, &set, &trained, console)?;
    remove(&output.join(CHECKPOINT))?;
    Ok(Exit::of_files(set.faces.len(), set.rejected.len()))
}

/// What `scores.json` and the model's metadata hold.
#[derive(Serialize)]
struct Scores<'a> {
    recipe: &'a str,
    parameters: usize,
    /// Epochs that were trained, and the one whose weights were kept, counted from 1.
    epochs: usize,
    kept_epoch: usize,
    /// Accuracy on the unchanged training faces with a majority.
    training_accuracy: Option<f64>,
    /// Accuracy on the validation faces with a majority.
    validation_accuracy: f64,
    /// The part that the other scores are of: `test`, or `validation` of a set without a test part.
    part: &'static str,
    #[serde(flatten)]
    scores: &'a FaceScores,
}

/// Evaluates the network on the test part and writes all that belongs to it.
fn finish(
    args: &Args,
    set: &FaceSet,
    trained: &TrainedFaces,
    console: &Console,
) -> Result<(), CliError> {
    let file = |name: &str| args.output.join(name);
    let model = trained.onnx(serde_json::Value::Null)?;
    let model = FaceModel::from_bytes("the trained network", &model)?;
    let mut part = Part::Test;
    if set.part(part).is_empty() {
        part = Part::Validation;
    }
    let places = set.part(part);
    let (faces, scores) = score(set, &places, part.name(), &model, &args.threads, console)?;
    let mut all = serde_json::to_value(Scores {
        recipe: &model.metadata().name,
        parameters: trained.parameters(),
        epochs: trained.history.len(),
        kept_epoch: trained.kept + 1,
        training_accuracy: trained.training_accuracy,
        validation_accuracy: trained.history[trained.kept].validation_accuracy,
        part: part.name(),
        scores: &scores,
    })?;
    let json = serde_json::to_string_pretty(&all)?;
    // Another run of the same seed gives the same file, but not in the same time.
    if let Some(scores) = all.as_object_mut() {
        scores.remove("milliseconds");
    }
    let bytes = trained.onnx(all)?;
    let path = file(MODEL);
    let model = FaceModel::from_bytes(&path.display().to_string(), &bytes)?;
    write_predictions(&file("predictions.csv"), set, &faces)?;
    atomic_file::write(&file("scores.json"), |file| file.write_all(json.as_bytes()))?;
    let columns = |it: &FaceEpoch| {
        [
            it.loss,
            it.accuracy,
            it.validation_loss,
            it.validation_accuracy,
        ]
    };
    let epochs: Vec<[f64; 4]> = trained.history.iter().map(columns).collect();
    write_faces(
        &file("report.html"),
        &FaceReport {
            model: &model,
            set,
            part: part.name(),
            faces: &faces,
            scores: &scores,
            epochs: &epochs,
            kept: trained.kept,
        },
    )?;
    atomic_file::write(&path, |file| file.write_all(&bytes))?;
    console.print(&table(&scores, set, part.name(), &model))?;
    let output = args.output.display();
    console.remark(&format!(
        "{output}: done. Its report is {output}/report.html"
    ));
    Ok(())
}

/// Checks, before anything is changed, that a run may begin or go on in the directory.
fn check_directory(args: &Args) -> Result<(), CliError> {
    let shown = args.output.display();
    let entries = match fs::read_dir(&args.output) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => bail!("cannot read the directory {shown}: {error}; name another with -o"),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|error| format!("cannot read {shown}: {error}"))?
            .file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    let has = |name: &str| names.iter().any(|found| found == name);
    if names.is_empty() {
        return Ok(());
    }
    if !has(RECIPE) {
        bail!(
            "{shown} is not the directory of a run, and holds other files ({}); name a new directory with -o",
            listed(&names, 3)
        );
    }
    if args.resume && !has(CHECKPOINT) && has(MODEL) {
        bail!("{shown} holds a finished run; --force trains again in its place");
    }
    if !args.resume && !args.force {
        match has(CHECKPOINT) {
            true => bail!(
                "{shown} holds a run that was not finished; --resume continues it, --force trains again"
            ),
            false => bail!(
                "{shown} holds a run; --force trains again in its place, or name another directory with -o"
            ),
        }
    }
    Ok(())
}

/// Reports the faces of each part, and what cannot be used.
fn report_set(set: &FaceSet, console: &Console) {
    let part = |part: Part| format!("{} {part}", set.part(part).len());
    console.remark(&format!(
        "{}: {} faces ({})",
        set.name,
        set.faces.len(),
        [Part::Train, Part::Validation, Part::Test]
            .map(part)
            .join(", ")
    ));
    super::report_left_out(set, console);
}

/// Shows training as it goes, keeps its log, and stops it when asked to.
struct Progress<'a> {
    bar: ProgressBar,
    epochs: usize,
    epoch: usize,
    log: PathBuf,
    rows: Vec<FaceEpoch>,
    console: &'a Console,
    stop: &'a AtomicBool,
    failure: Option<crate::Error>,
}

impl<'a> Progress<'a> {
    fn new(recipe: &FaceRecipe, log: &Path, console: &'a Console, stop: &'a AtomicBool) -> Self {
        let epochs = recipe.training.epochs;
        Self {
            bar: console.progress(
                epochs as u64 * 1000,
                Some("Training {bar:30} {percent}% {msg}, {eta} left"),
            ),
            epochs,
            epoch: 0,
            log: log.to_owned(),
            rows: Vec::new(),
            console,
            stop,
            failure: None,
        }
    }

    /// Returns whether to continue.
    fn event(&mut self, event: FaceEvent) -> bool {
        match event {
            FaceEvent::Batch(batch, batches) => {
                let done = self.epoch * 1000 + (batch + 1) * 1000 / batches;
                self.bar.set_position(done as u64);
                self.bar.set_message(format!("epoch {}", self.epoch + 1));
            }
            FaceEvent::Epoch(scores) => {
                let line = format!(
                    "epoch {:>3} of {}: loss {:.4}, accuracy {:.4}; validation: loss {:.4}, accuracy {:.4}",
                    scores.epoch + 1,
                    self.epochs,
                    scores.loss,
                    scores.accuracy,
                    scores.validation_loss,
                    scores.validation_accuracy
                );
                match self.bar.is_hidden() {
                    true => self.console.remark(&line),
                    false => self.bar.println(line),
                }
                self.epoch = scores.epoch + 1;
                self.rows.push(scores);
                self.failure = self.write_log().err();
            }
        }
        self.failure.is_none() && !self.stop.load(Ordering::Relaxed)
    }

    /// Writes `log.csv`, a row for each epoch so far; epochs count from 1.
    fn write_log(&self) -> crate::Result<()> {
        atomic_file::write(&self.log, |file| {
            let mut csv = csv::Writer::from_writer(file);
            for row in &self.rows {
                csv.serialize(FaceEpoch {
                    epoch: row.epoch + 1,
                    ..row.clone()
                })?;
            }
            csv.flush()
        })
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", path.display())
        }
        _ => Ok(()),
    }
}

fn cannot_write(directory: &Path, error: &std::io::Error) -> String {
    let shown = directory.display();
    format!("cannot write the directory {shown}: {error}; choose another -o")
}
