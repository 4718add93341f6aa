//! `circumplex face`: from what a face shows to the eight emotions.

use super::{
    CliResult,
    console::Console,
    exit::Exit,
    table::{Align, Table, terminal_width},
};
use crate::{
    emotion::{EXPRESSION_MEANS, Emotion, Expression, FaceMap},
    search::{FaceMapError, read_face_map},
};
use serde_json::{Map, json};
use std::path::PathBuf;

/// Show how faces are understood
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Table(TableArgs),
}

/// Print the eight emotions of each expression of the face
#[derive(clap::Args)]
#[command(
    after_help = "Valence and arousal of the word for each expression (mean and standard deviation, 1 to 9) are those of \
                  Warriner, Kuperman & Brysbaert 2013; the box of one deviation to each side is shared among the emotions as \
                  a song's label is. A neutral face says nothing, and has the even vector.\n\
                  The table that --csv prints can be changed and given to --face-map."
)]
struct TableArgs {
    /// Print CSV with all digits
    #[arg(long)]
    csv: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    #[command(flatten)]
    map: MapFile,
}

#[derive(clap::Args)]
struct MapFile {
    /// Print this map, TOML or CSV, instead of the one inside the program
    #[arg(long, value_name = "FILE")]
    face_map: Option<PathBuf>,
}

/// `--face-map`, for questions.
#[derive(clap::Args)]
pub struct FaceMapChoice {
    /// Another map from expressions to emotions, TOML or CSV as `circumplex face table --csv` prints it
    #[arg(long, value_name = "FILE", requires = "face_asked")]
    face_map: Option<PathBuf>,
}

impl FaceMapChoice {
    /// Whether another map was asked for.
    pub fn is_given(&self) -> bool {
        self.face_map.is_some()
    }

    /// The map that was asked for.
    pub fn load(&self) -> Result<FaceMap, FaceMapError> {
        load(self.face_map.as_ref())
    }
}

fn load(file: Option<&PathBuf>) -> Result<FaceMap, FaceMapError> {
    file.map_or_else(|| Ok(FaceMap::default()), |file| read_face_map(file))
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let Command::Table(args) = args.command;
    let map = load(args.map.face_map.as_ref())?;
    // Another map need not come from these means.
    let has_means = args.map.face_map.is_none();
    let text = if args.csv {
        csv(&map)
    } else if args.json {
        serde_json::to_string_pretty(&json(&map, has_means))?
    } else {
        table(&map, has_means)
    };
    console.print(&text)?;
    Ok(Exit::AllDone)
}

fn csv(map: &FaceMap) -> String {
    let mut text = format!("expression,{}\n", Emotion::ALL.map(Emotion::name).join(","));
    for expression in Expression::ALL {
        let numbers = map.get(expression).map(|number| number.to_string());
        text.push_str(&format!("{expression},{}\n", numbers.join(",")));
    }
    text
}

fn json(map: &FaceMap, has_means: bool) -> Vec<serde_json::Value> {
    let row = |(expression, means): (Expression, Option<_>)| {
        let emotions: Map<String, serde_json::Value> = Emotion::ALL
            .into_iter()
            .zip(map.get(expression))
            .map(|(emotion, percent)| (emotion.name().to_owned(), json!(percent)))
            .collect();
        json!({
            "expression": expression,
            "means": means.filter(|_| has_means),
            "emotions": emotions,
        })
    };
    EXPRESSION_MEANS.map(row).to_vec()
}

fn table(map: &FaceMap, has_means: bool) -> String {
    let mut columns = vec![("expression", Align::Left)];
    if has_means {
        columns.extend([("valence", Align::Right), ("arousal", Align::Right)]);
    }
    columns.extend(Emotion::ALL.map(|emotion| (emotion.name(), Align::Right)));
    let mut table = Table::new(columns);
    for (expression, means) in EXPRESSION_MEANS {
        let mut cells = vec![expression.to_string()];
        if has_means {
            let cell = |mean: f64, std: f64| format!("{mean:.2} ± {std:.2}");
            cells.extend(means.map_or_else(
                || [String::new(), String::new()],
                |of| {
                    [
                        cell(of.valence_mean, of.valence_std),
                        cell(of.arousal_mean, of.arousal_std),
                    ]
                },
            ));
        }
        cells.extend(map.get(expression).map(|percent| format!("{percent:.1}")));
        table.row(cells);
    }
    table.render(terminal_width())
}

/// What a mixture is made of, the largest part first: `happiness 60 %, neutral 27 %, surprise 13 %`.
pub fn parts(names: &[&str], percent: &[f64]) -> String {
    let mut parts: Vec<(&str, f64)> = names
        .iter()
        .copied()
        .zip(percent.iter().copied())
        .filter(|(_, percent)| *percent >= 0.5)
        .collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts: Vec<String> = parts
        .iter()
        .map(|(name, percent)| format!("{name} {percent:.0} %"))
        .collect();
    parts.join(", ")
}
