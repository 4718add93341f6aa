//! The report of an expression network.

use super::{
    Values, charts, page,
    sections::{figure, recipe_details, score_table},
};
use crate::{
    Result, atomic_file,
    dataset::FaceSet,
    emotion::{Emotion, Expression},
    error::{Error, ErrorKind},
    evaluate::{
        faces::{Curves, FaceScores, JudgedFace},
        scores::decimals,
        tables::ScoreTable,
    },
    face::{FaceModel, SIDE},
    figure::{ACCENT, Chart, Color, Guide, MUTED, emotion_color, escape, number},
    text::count,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{ColorType, ImageEncoder as _, codecs::png::PngEncoder};
use std::{io::Write as _, path::Path};

/// Pictures that are shown as the worst.
const SHOWN: usize = 32;
/// Points that a curve is drawn of.
const MOST_POINTS: usize = 400;

/// The content of the page.
pub(crate) struct FaceReport<'a> {
    pub model: &'a FaceModel,
    pub set: &'a FaceSet,
    /// The part of the set, in words.
    pub part: &'a str,
    pub faces: &'a [JudgedFace],
    pub scores: &'a FaceScores,
    /// For each epoch the loss and the accuracy, of training and validation; empty if unknown.
    pub epochs: &'a [[f64; 4]],
    /// The epoch whose weights were kept, from 0.
    pub kept: usize,
}

/// Writes the page to `path`, completely or not at all.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be written.
pub(crate) fn write_faces(path: &Path, report: &FaceReport<'_>) -> Result<()> {
    let page = render_faces(report)?;
    atomic_file::write(path, |file| file.write_all(page.as_bytes()))
}

/// The page as text.
pub(super) fn render_faces(report: &FaceReport<'_>) -> Result<String> {
    let (scores, model) = (report.scores, report.model);
    let metadata = model.metadata();
    let faces = count(scores.faces as u64, "face", "faces");
    let unclear = match scores.without_majority {
        0 => String::new(),
        1 => "One face is not judged.".to_owned(),
        several => format!("{several} faces are not judged."),
    };
    let (parameters, bytes) = model.size();
    let training = &metadata.training;
    let mut values = Values::new([
        ("title", format!("{} on {}", metadata.name, report.set.name)),
        (
            "subject",
            format!("{faces} of {}: {}", report.set.name, report.part),
        ),
        ("note", "An expression is not a feeling.".to_owned()),
        ("faces", faces),
        ("unclear", unclear),
        ("accuracy", format!("{:.3}", scores.accuracy)),
        ("macro f1", format!("{:.3}", scores.macro_f1)),
        ("roc area", decimals(scores.macro_roc_auc, 3)),
        ("pr area", decimals(scores.macro_average_precision, 3)),
        ("divergence", format!("{:.3}", scores.divergence)),
        ("milliseconds", format!("{:.2}", scores.milliseconds)),
        (
            "expression table",
            score_table("", &ScoreTable::expressions(scores)),
        ),
        ("confusion", confusion(scores)),
        ("legend", legend()),
        ("worst shown", worst(report.faces).len().to_string()),
        ("worst", pictures(report)?),
        ("model", metadata.name.clone()),
        ("identity", model.identity().to_owned()),
        ("parameters", number(parameters as f64, 0)),
        ("bytes", number(bytes as f64, 0)),
        (
            "trained on",
            format!(
                "{} ({} faces)",
                training.name,
                number(training.faces as f64, 0)
            ),
        ),
        ("input", format!("{SIDE} x {SIDE} gray pixels")),
        ("recipe", recipe_details(&training.recipe)),
    ]);
    let [roc, precision_recall] = curves(report.faces);
    values.add(
        "roc curves",
        figure(
            &roc,
            "ROC curves",
            "ROC curves: the share of an expression's faces that are found over \
        the share of other faces that are mistaken for it. The dashed line is chance.",
        )?,
    );
    values.add(
        "pr curves",
        figure(
            &precision_recall,
            "precision-recall curves",
            "Precision over recall: the share of the faces \
        given an expression that have it, over the share of the expression's faces that are found.",
        )?,
    );
    if !report.epochs.is_empty() {
        let kept = report.kept + 1;
        let caption = format!(
            "Thick: training, on changed pictures; thin: validation. The dot is epoch {kept}, whose weights were kept."
        );
        for (name, y_name, columns) in [
            ("loss curves", "loss (nats)", [0, 2]),
            ("accuracy curves", "accuracy", [1, 3]),
        ] {
            let chart = training_curves(report, y_name, columns);
            values.add(
                name,
                figure(&chart, &format!("{y_name} over epochs"), &caption)?,
            );
        }
    }
    page(include_str!("faces.html"), values)
}

/// A color for each expression, from those of the emotions.
fn color(expression: Expression) -> Color {
    emotion_color(match expression {
        Expression::Anger => Emotion::Tense,
        Expression::Disgust => Emotion::Content,
        Expression::Fear => Emotion::Depressed,
        Expression::Happiness => Emotion::Happy,
        Expression::Sadness => Emotion::Tired,
        Expression::Surprise => Emotion::Excited,
        Expression::Neutral => Emotion::Calm,
        Expression::Contempt => Emotion::Frustrated,
    })
}

fn legend() -> String {
    let entry = |expression: Expression| {
        let [red, green, blue] = color(expression).rgb;
        format!(
            "<span class=\"legend\"><i style=\"background:#{red:02x}{green:02x}{blue:02x}\"></i>{expression}</span> "
        )
    };
    Expression::ALL.map(entry).concat()
}

fn confusion(scores: &FaceScores) -> String {
    let names = Expression::ALL.map(|expression| expression.to_string());
    let counts = scores.confusion.iter().map(|row| &row[..]);
    charts::confusion(&names, counts, ["face", "faces"])
}

/// A number of training and of validation over the epochs.
fn training_curves(
    report: &FaceReport<'_>,
    y_name: &str,
    [training, validation]: [usize; 2],
) -> Chart {
    let mut chart = Chart {
        height: 720,
        x_name: "epoch".to_owned(),
        whole_steps: true,
        y_name: y_name.to_owned(),
        ..Chart::default()
    };
    let points = |column: usize| -> Vec<(f64, f64)> {
        let epochs = report.epochs.iter().enumerate();
        epochs
            .map(|(epoch, row)| (epoch as f64 + 1.0, row[column]))
            .collect()
    };
    chart.line(points(training), 5.0, ACCENT);
    let points = points(validation);
    if let Some(kept) = points.get(report.kept) {
        chart.dot(*kept, 10.0, MUTED);
    }
    chart.line(points, 3.0, MUTED);
    chart
}

/// The ROC and the precision-recall curves of the expressions that occur.
fn curves(faces: &[JudgedFace]) -> [Chart; 2] {
    let chart = |x_name: &str, y_name: &str| Chart {
        height: 1044,
        x_name: x_name.to_owned(),
        y_name: y_name.to_owned(),
        range: Some((0.0, 1.0)),
        ..Chart::default()
    };
    let mut roc = chart("false positive rate", "true positive rate");
    roc.guide = Some(Guide {
        from: (0.0, 0.0),
        to: (1.0, 1.0),
        name: String::new(),
    });
    let mut precision_recall = chart("recall", "precision");
    for expression in Expression::ALL {
        let of = Curves::of(faces, expression);
        for (chart, points) in [
            (&mut roc, of.roc),
            (&mut precision_recall, of.precision_recall),
        ] {
            if !points.is_empty() {
                chart.line(thinned(points), 4.0, color(expression));
            }
        }
    }
    [roc, precision_recall]
}

/// Some of the points of a curve, its ends among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len() - 1;
    let numbered = points.into_iter().enumerate();
    numbered
        .filter(|(place, _)| place % step == 0 || *place == last)
        .map(|(_, point)| point)
        .collect()
}

/// The judged faces whose true expression got the lowest probability, the worst first; of equals, in their order.
fn worst(faces: &[JudgedFace]) -> Vec<&JudgedFace> {
    let mut worst: Vec<&JudgedFace> = faces
        .iter()
        .filter(|face| face.majority.is_some())
        .collect();
    worst.sort_by(|a, b| {
        a.probability_of_truth()
            .total_cmp(&b.probability_of_truth())
    });
    worst.truncate(SHOWN);
    worst
}

/// The worst pictures, each with its true expression and the answer.
fn pictures(report: &FaceReport<'_>) -> Result<String> {
    let mut figures = String::new();
    for face in worst(report.faces) {
        let name = &report.set.faces[face.place].name;
        let Some(truth) = face.majority else { continue };
        let answer = face.answer();
        let percent = |expression: Expression| 100.0 * face.predicted[expression.index()];
        figures += &format!(
            "<figure><svg viewBox=\"0 0 {SIDE} {SIDE}\" role=\"img\" aria-label=\"{truth}\"><image width=\"{SIDE}\" height=\"{SIDE}\" \
             href=\"data:image/png;base64,{}\"/></svg><figcaption><b>{truth}</b> {:.0} %<br/>{answer} {:.0} %<br/><bdi>{}</bdi>\
             </figcaption></figure>\n",
            png(report.set.pixels_of(face.place))?,
            percent(truth),
            percent(answer),
            escape(name)
        );
    }
    Ok(figures)
}

/// A face's pixels as PNG in base 64.
fn png(pixels: &[u8]) -> Result<String> {
    let mut bytes = Vec::new();
    let side = SIDE as u32;
    PngEncoder::new(&mut bytes)
        .write_image(pixels, side, side, ColorType::L8)
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "a face cannot be drawn").with_source(error)
        })?;
    Ok(BASE64_STANDARD.encode(bytes))
}
