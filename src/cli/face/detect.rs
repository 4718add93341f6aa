//! `circumplex face detect`: the faces in pictures and their expressions.

use super::{
    super::{CliError, CliResult, Console, Exit, Table, terminal_width},
    draw::draw_boxes,
    reader, shares_text,
};
use crate::{
    Error,
    atomic_file::{self, directory_of},
    emotion::Expression,
    error::one_line,
    face::{Face, FaceReader, mood_score, read_picture},
    text::count,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Find the faces in pictures and recognize their expressions
#[derive(clap::Args)]
#[command(
    after_help = "Pictures are JPEG, PNG or WebP, turned upright by their EXIF orientation. Faces are listed largest first, with the box \
                  in pixels (left, top, width, height) and the score of the detector (3 and more). Exit code 3: a picture shows no \
                  face or cannot be read.\n\n\
                  Pictures stay on this computer: nothing is sent, and nothing is written but the file of --png.\n\n\
                  Examples:\n  \
                    circumplex face detect selfie.jpg\n  \
                    circumplex face detect group.jpg --min-face 0.03 --png boxes.png\n  \
                    circumplex face detect *.jpg --csv > faces.csv && circumplex query --face-file faces.csv"
)]
pub(crate) struct Args {
    /// Pictures
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Print JSON: for each picture its path and a list of faces with box, score and expressions
    #[arg(long, group = "format")]
    json: bool,
    /// Print CSV, a row for each face, which `query --face-file` reads
    #[arg(long, group = "format")]
    csv: bool,
    /// Weigh two expressions against each other as `mood_score`: 1 is all the first, 0 all the second
    #[arg(long, value_name = "FIRST,SECOND", value_parser = pair)]
    score: Option<[Expression; 2]>,
    /// Draw the boxes into a copy of the picture
    #[arg(long, value_name = "FILE.png")]
    png: Option<PathBuf>,
    /// Smallest face to find, as a share of the picture's longer side; half of it takes four times as long
    #[arg(long, value_name = "SHARE", default_value_t = FaceReader::SMALLEST, value_parser = smallest)]
    min_face: f64,
    /// ONNX file of another expression network than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

fn pair(text: &str) -> Result<[Expression; 2], String> {
    let (first, second) = text
        .split_once(',')
        .ok_or("expected two expressions, like happy,sad")?;
    let expression = |name: &str| {
        name.trim()
            .parse()
            .map_err(|error: Error| error.to_string())
    };
    let pair = [expression(first)?, expression(second)?];
    match pair[0] == pair[1] {
        true => Err("expected two different expressions, like happy,sad".to_owned()),
        false => Ok(pair),
    }
}

fn smallest(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .filter(|share| (0.02..=1.0).contains(share))
        .ok_or_else(|| format!("expected a number from 0.02 to 1, found {text:?}"))
}

/// A face as JSON has it.
#[derive(Serialize)]
struct FaceOutput {
    r#box: [u32; 4],
    score: f64,
    expressions: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mood_score: Option<f32>,
}

/// The faces of a picture.
struct Seen {
    picture: PathBuf,
    faces: Vec<Face>,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    if let Some(png) = &args.png {
        if args.pictures.len() > 1 {
            bail!("--png draws into one picture; give one");
        }
        // Fails before the work.
        let probe = tempfile::NamedTempFile::new_in(directory_of(png));
        probe.map_err(|error| atomic_file::write_error(png, error))?;
    }
    let mut reader = reader(args.model.as_deref(), args.min_face)?;
    let mut seen = Vec::new();
    let mut failed = 0;
    for path in &args.pictures {
        let picture = match read_picture(path) {
            Ok(picture) => picture,
            Err(error) => {
                console.warning(&one_line(&error));
                failed += 1;
                continue;
            }
        };
        let faces = reader
            .faces(&picture)
            .map_err(|error| error.with_path(path))?;
        if faces.is_empty() {
            console.warning(&format!(
                "{}: no face found that takes {} % of the picture or more; --min-face finds smaller ones",
                path.display(),
                (100.0 * args.min_face).round()
            ));
        }
        if let Some(png) = &args.png {
            draw_boxes(png, picture, &faces)?;
            console.remark(&format!("wrote {}", png.display()));
        }
        seen.push(Seen {
            picture: path.clone(),
            faces,
        });
    }
    if seen.is_empty() {
        return Ok(Exit::Failure);
    }
    let text = match (args.json, args.csv) {
        (true, _) => json(&seen, args.score)?,
        (_, true) => csv(&seen, args.score)?,
        _ => table(&seen, args.score),
    };
    if !text.is_empty() {
        console.print(&text)?;
    }
    let without_face = seen.iter().filter(|seen| seen.faces.is_empty()).count();
    if without_face > 0 && args.pictures.len() > 1 {
        let pictures = count(without_face as u64, "picture", "pictures");
        console.remark(&format!("{pictures} without a face"));
    }
    Ok(match failed + without_face {
        0 => Exit::Success,
        _ => Exit::SomeFailed,
    })
}

fn json(seen: &[Seen], score: Option<[Expression; 2]>) -> Result<String, CliError> {
    let face = |face: &Face| FaceOutput {
        r#box: face.region,
        score: face.score,
        expressions: Expression::ALL
            .iter()
            .zip(face.expressions)
            .map(|(expression, probability)| (expression.to_string(), probability.into()))
            .collect(),
        mood_score: score.map(|pair| mood_score(&face.expressions, pair)),
    };
    let pictures: Vec<Value> = seen
        .iter()
        .map(|seen| {
            let faces: Vec<FaceOutput> = seen.faces.iter().map(face).collect();
            json!({ "picture": seen.picture.to_string_lossy(), "faces": faces })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&pictures)?)
}

/// A row for each face; one without numbers for a picture without a face. Each picture is a frame.
fn csv(seen: &[Seen], score: Option<[Expression; 2]>) -> Result<String, CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut names = vec![
        "frame",
        "image",
        "face",
        "x",
        "y",
        "width",
        "height",
        "face_score",
    ];
    names.extend(Expression::ALL.map(Expression::name));
    names.extend(score.map(|_| "mood_score"));
    writer.write_record(&names)?;
    for (frame, seen) in seen.iter().enumerate() {
        let start = [
            frame.to_string(),
            seen.picture.to_string_lossy().into_owned(),
        ];
        for (number, face) in seen.faces.iter().enumerate() {
            let mut row = start.to_vec();
            row.push(number.to_string());
            row.extend(face.region.map(|pixels| pixels.to_string()));
            row.push(face.score.to_string());
            row.extend(face.expressions.map(|probability| probability.to_string()));
            row.extend(score.map(|pair| mood_score(&face.expressions, pair).to_string()));
            writer.write_record(row)?;
        }
        if seen.faces.is_empty() {
            let mut row = start.to_vec();
            row.resize(names.len(), String::new());
            writer.write_record(row)?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn table(seen: &[Seen], score: Option<[Expression; 2]>) -> String {
    let names = [">face", ">left", ">top", ">width", ">height", ">score"];
    let mut columns: Vec<String> = names.map(str::to_owned).to_vec();
    columns.extend(score.map(|[first, second]| format!(">{first}/{second}")));
    columns.extend(["expressions", "picture"].map(str::to_owned));
    let mut table = Table::new(columns);
    let mut faces = 0;
    for seen in seen {
        for face in &seen.faces {
            faces += 1;
            let mut row = vec![faces.to_string()];
            row.extend(face.region.map(|pixels| pixels.to_string()));
            row.push(format!("{:.1}", face.score));
            row.extend(score.map(|pair| format!("{:.2}", mood_score(&face.expressions, pair))));
            let shares = Expression::ALL.into_iter().zip(face.expressions);
            row.push(shares_text(shares.map(|(expression, probability)| {
                (expression.name(), f64::from(100.0 * probability))
            })));
            row.push(seen.picture.display().to_string());
            table.row(row);
        }
    }
    match faces {
        0 => String::new(),
        _ => table.render(terminal_width()),
    }
}
