//! `circumplex face`: the emotions of facial expressions.

use super::{
    CliResult,
    console::Console,
    exit::Exit,
    table::{Align, Table, terminal_width},
};
use crate::{
    emotion::{EXPRESSION_MEANS, Emotion, Expression, FaceMap},
    error::Result,
    face::read_face_map,
};
use serde_json::{Map, json};
use std::path::PathBuf;

/// Show the map from facial expressions to emotions
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Table(TableArgs),
}

/// Print the eight emotions of each facial expression
#[derive(clap::Args)]
#[command(
    after_help = "Valence and arousal of the word for each expression (mean and standard deviation, 1 to 9) are those of \
                  Warriner, Kuperman & Brysbaert 2013; the box of one deviation to each side is shared among the emotions like \
                  the label of a song. A neutral face has the even vector.\n\
                  Edit the table that --csv prints and give it to --face-map to use your own."
)]
struct TableArgs {
    /// Print CSV with all digits
    #[arg(long)]
    csv: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print this map (TOML or CSV) instead of the built-in one
    #[arg(long, value_name = "FILE")]
    face_map: Option<PathBuf>,
}

/// `--face-map` of `query`.
#[derive(clap::Args)]
pub struct FaceMapChoice {
    /// Map from expressions to emotions, TOML or CSV as `circumplex face table --csv` prints it
    #[arg(long, value_name = "FILE", requires = "face_asked")]
    face_map: Option<PathBuf>,
}

impl FaceMapChoice {
    /// Whether the option is given.
    pub fn is_given(&self) -> bool {
        self.face_map.is_some()
    }

    /// The map of the file, else the built-in one.
    pub fn load(&self) -> Result<FaceMap> {
        load(self.face_map.as_ref())
    }
}

fn load(file: Option<&PathBuf>) -> Result<FaceMap> {
    file.map_or_else(|| Ok(FaceMap::default()), |file| read_face_map(file))
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let Command::Table(args) = args.command;
    let map = load(args.face_map.as_ref())?;
    // Another map need not be made of these means.
    let has_means = args.face_map.is_none();
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

/// The largest shares first: `happiness 60 %, neutral 27 %, surprise 13 %`.
pub fn shares_text(names: &[&str], percent: &[f64]) -> String {
    let mut shares: Vec<(&str, f64)> = names
        .iter()
        .copied()
        .zip(percent.iter().copied())
        .filter(|(_, percent)| *percent >= 0.5)
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let shares: Vec<String> = shares
        .iter()
        .map(|(name, percent)| format!("{name} {percent:.0} %"))
        .collect();
    shares.join(", ")
}
