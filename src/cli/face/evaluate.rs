//! `circumplex face evaluate`: the scores of an expression network on labeled faces.

use super::super::{CliError, CliResult, Console, Exit, Threads, scores::render};
use crate::{
    atomic_file::{self, directory_of},
    dataset::{FaceSet, Part},
    emotion::Expression,
    evaluate::{
        ScoreTable,
        faces::{FaceScores, JudgedFace, judge},
        html::{FaceReport, write_faces},
    },
    face::FaceModel,
    text::{count, visible},
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Evaluate an expression network on labeled faces
#[derive(clap::Args)]
#[command(
    after_help = "DATA is FER+ (FER2013Train, FER2013Valid and FER2013Test with their label.csv), a CSV with the columns emotion, \
                  pixels and Usage as of FER2013 and CK+, or a directory of directories named for expressions, with or without \
                  train, validation and test above them. Pictures are JPEG, PNG or WebP and show one face each.\n\n\
                  Judged are the faces of which more than half of the voters chose one expression. Without --part the test part is \
                  judged, or all faces of a set without parts.\n\n\
                  Examples:\n  \
                    circumplex face evaluate --data ferplus\n  \
                    circumplex face evaluate --data ck.csv --model face/model.onnx --part all --json"
)]
pub(crate) struct Args {
    /// The labeled faces: a directory, or a CSV file of pixels
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// ONNX file of another network than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The part of the set to evaluate on
    #[arg(long, value_enum, value_name = "PART")]
    part: Option<PartChoice>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also write a report with charts and the worst pictures: one HTML file that opens offline
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Also write a row for each face: its name, the true expression, the answer and the eight probabilities
    #[arg(long, value_name = "FILE.csv")]
    predictions: Option<PathBuf>,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PartChoice {
    Train,
    Validation,
    Test,
    All,
}

#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    scores: &'a FaceScores,
    /// SHA-256 of the model's file.
    model: &'a str,
    data: &'a str,
    part: &'a str,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    for path in args.report.iter().chain(&args.predictions) {
        // Fails before minutes of work.
        tempfile::NamedTempFile::new_in(directory_of(path)).map_err(|error| {
            format!(
                "cannot write {}: {error}; choose another file",
                path.display()
            )
        })?;
    }
    let model = match &args.model {
        Some(path) => FaceModel::load(path)?,
        None => FaceModel::shipped()?,
    };
    let set = FaceSet::open(&args.data)?;
    super::report_left_out(&set, console);
    let has_test = !set.part(Part::Test).is_empty();
    let part = match args.part {
        None if has_test => Some(Part::Test),
        None | Some(PartChoice::All) => None,
        Some(PartChoice::Train) => Some(Part::Train),
        Some(PartChoice::Validation) => Some(Part::Validation),
        Some(PartChoice::Test) => Some(Part::Test),
    };
    let places = match part {
        Some(part) => set.part(part),
        None => (0..set.faces.len()).collect(),
    };
    let part = part.map_or("all", Part::name);
    let (faces, scores) = score(&set, &places, part, &model, &args.threads, console)?;
    let output = Output {
        scores: &scores,
        model: model.identity(),
        data: &set.name,
        part,
    };
    let text = match args.json {
        true => serde_json::to_string_pretty(&output)?,
        false => table(&scores, &set, part, &model),
    };
    if let Some(path) = &args.report {
        let report = FaceReport {
            model: &model,
            set: &set,
            part,
            faces: &faces,
            scores: &scores,
            epochs: &[],
            kept: 0,
        };
        write_faces(path, &report)?;
        console.remark(&format!("wrote {}", path.display()));
    }
    if let Some(path) = &args.predictions {
        write_predictions(path, &set, &faces)?;
        console.remark(&format!("wrote {}", path.display()));
    }
    console.print(&text)?;
    Ok(Exit::of_files(set.faces.len(), set.rejected.len()))
}

/// Runs a network on faces, with a progress bar.
pub(super) fn score(
    set: &FaceSet,
    places: &[usize],
    part: &str,
    model: &FaceModel,
    threads: &Threads,
    console: &Console,
) -> Result<(Vec<JudgedFace>, FaceScores), CliError> {
    let bar = console.progress(
        places.len() as u64,
        Some("{bar:24} {pos}/{len} faces, {eta} left"),
    );
    let faces = judge(set, places, model, threads.count(), || bar.inc(1));
    bar.finish_and_clear();
    let faces = faces?;
    let scores = FaceScores::of(&faces).ok_or_else(|| {
        let name = &set.name;
        format!("{name} has no face to evaluate in the part {part}: expected faces of which more than half of the voters agree")
    })?;
    Ok((faces, scores))
}

/// The scores as text.
pub(super) fn table(scores: &FaceScores, set: &FaceSet, part: &str, model: &FaceModel) -> String {
    let metadata = model.metadata();
    let identity: String = model.identity().chars().take(12).collect();
    let faces = count(scores.faces as u64, "face", "faces");
    let heading = visible(&format!(
        "{faces} of {} ({part}), model {} ({identity}), trained on {} ({} faces)",
        set.name, metadata.name, metadata.training.name, metadata.training.faces
    ));
    let mut confusion = super::super::Table::new(
        std::iter::once("true \\ predicted".to_owned())
            .chain(Expression::ALL.map(|expression| format!(">{expression}"))),
    );
    for (expression, row) in Expression::ALL.iter().zip(&scores.confusion) {
        let cells = row.iter().map(usize::to_string);
        confusion.row(std::iter::once(expression.to_string()).chain(cells));
    }
    format!(
        "{heading}\n\naccuracy {:.3}, macro F1 {:.3}; {} without a majority are not judged\n\
         divergence from the votes {:.3} nats; {:.2} ms a face\n\n{}\n{}",
        scores.accuracy,
        scores.macro_f1,
        scores.without_majority,
        scores.divergence,
        scores.milliseconds,
        render(&ScoreTable::expressions(scores), usize::MAX),
        confusion.render(None)
    )
}

/// Writes a row for each face: its name, the true expression (empty where voters disagree), the answer and its probabilities.
pub(super) fn write_predictions(
    path: &Path,
    set: &FaceSet,
    faces: &[JudgedFace],
) -> crate::Result<()> {
    atomic_file::write(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        let names = Expression::ALL.map(Expression::name);
        csv.write_record(["face", "expression", "answer"].iter().chain(&names))?;
        for face in faces {
            let truth = face.majority.map_or("", Expression::name).to_owned();
            let mut row = vec![set.faces[face.place].name.clone(), truth];
            row.push(face.answer().to_string());
            row.extend(face.predicted.map(|probability| probability.to_string()));
            csv.write_record(row)?;
        }
        csv.flush()
    })
}
