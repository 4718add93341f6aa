//! `circumplex face`: facial expressions, and the network that recognizes them.

mod detect;
mod draw;
mod evaluate;
mod observe;
#[cfg(feature = "train")]
mod train;

use super::{CliResult, Console, Exit, Table, terminal_width};
use crate::{
    dataset::FaceSet,
    emotion::{EXPRESSION_MEANS, Emotion, Expression, FaceMap},
    error::Result,
    face::{FaceModel, FaceReader, read_face_map},
    text::{count, listed},
};
pub(crate) use observe::{above_zero, observe_source};
use std::path::{Path, PathBuf};

/// Recognize facial expressions in pictures and videos; show what they stand for; train and evaluate networks
#[derive(clap::Subcommand)]
pub(crate) enum Action {
    Detect(detect::Args),
    Observe(observe::Args),
    Table(TableArgs),
    /// Train an expression network on labeled faces (not in this build: needs the feature `train`)
    #[cfg(not(feature = "train"))]
    #[command(disable_help_flag = true)]
    Train(super::NotBuilt),
    #[cfg(feature = "train")]
    Train(train::Args),
    Evaluate(evaluate::Args),
}

/// Print the eight emotions of each facial expression
#[derive(clap::Args)]
#[command(
    after_help = "Valence and arousal of the word for each expression (mean and standard deviation, 1 to 9) are those of \
                  Warriner, Kuperman & Brysbaert 2013; the box of one deviation to each side is shared among the emotions like \
                  the label of a song. A neutral face has the even vector.\n\
                  Edit the table that --csv prints and give it to --face-map to use your own.\n\n\
                  Examples:\n  \
                    circumplex face table\n  \
                    circumplex face table --csv > map.csv"
)]
pub(crate) struct TableArgs {
    /// Print CSV with all digits
    #[arg(long)]
    csv: bool,
    /// Print this map instead of the built-in one
    #[arg(long, value_name = "FILE")]
    face_map: Option<PathBuf>,
}

/// The map of a file, else the built-in one.
pub(crate) fn load_map(file: Option<&Path>) -> Result<FaceMap> {
    file.map_or_else(|| Ok(FaceMap::default()), read_face_map)
}

/// A reader of faces from `smallest` on, with the network of a file, else the one inside this program.
pub(crate) fn reader(model: Option<&Path>, smallest: f64) -> Result<FaceReader> {
    let network = model.map_or_else(FaceModel::shipped, FaceModel::load)?;
    FaceReader::new(network, smallest)
}

pub(crate) fn run(action: Action, console: &Console) -> CliResult {
    match action {
        Action::Detect(args) => detect::run(args, console),
        Action::Observe(args) => observe::run(args, console),
        Action::Table(args) => print_map(&args, console),
        #[cfg(not(feature = "train"))]
        Action::Train(_) => Err(super::NO_TRAINING.into()),
        #[cfg(feature = "train")]
        Action::Train(args) => train::run(args, console),
        Action::Evaluate(args) => evaluate::run(args, console),
    }
}

/// Names the faces of a set that cannot be used.
pub(super) fn report_left_out(set: &FaceSet, console: &Console) {
    if set.without_face > 0 {
        let pictures = count(set.without_face as u64, "picture", "pictures");
        console.remark(&format!(
            "skipped: {pictures} that voters called no face or gave no expression"
        ));
    }
    if !set.rejected.is_empty() {
        let files = count(set.rejected.len() as u64, "file", "files");
        console.warning(&format!("left out: {files}: {}", listed(&set.rejected, 10)));
    }
}

fn print_map(args: &TableArgs, console: &Console) -> CliResult {
    let map = load_map(args.face_map.as_deref())?;
    // Another map need not be made of these means.
    let has_means = args.face_map.is_none();
    let text = match args.csv {
        true => csv(&map),
        false => table(&map, has_means),
    };
    console.print(&text)?;
    Ok(Exit::Success)
}

fn csv(map: &FaceMap) -> String {
    let mut text = format!("expression,{}\n", Emotion::ALL.map(Emotion::name).join(","));
    for expression in Expression::ALL {
        let numbers = map.get(expression).map(|number| number.to_string());
        text.push_str(&format!("{expression},{}\n", numbers.join(",")));
    }
    text
}

fn table(map: &FaceMap, has_means: bool) -> String {
    let mut columns = vec!["expression".to_owned()];
    if has_means {
        columns.extend([">valence", ">arousal"].map(str::to_owned));
    }
    columns.extend(Emotion::ALL.map(|emotion| format!(">{emotion}")));
    let mut table = Table::new(columns);
    for (expression, means) in EXPRESSION_MEANS {
        let mut cells = vec![expression.to_string()];
        if has_means {
            let text = |mean: f64, std: f64| format!("{mean:.2} ± {std:.2}");
            cells.extend(match means {
                Some(of) => [
                    text(of.valence_mean, of.valence_std),
                    text(of.arousal_mean, of.arousal_std),
                ],
                None => Default::default(),
            });
        }
        cells.extend(map.get(expression).map(|percent| format!("{percent:.1}")));
        table.row(cells);
    }
    table.render(terminal_width())
}

/// The largest percentages first: `happiness 60 %, neutral 27 %, surprise 13 %`.
pub(crate) fn shares_text(shares: impl Iterator<Item = (&'static str, f64)>) -> String {
    let mut shares: Vec<_> = shares.filter(|(_, percent)| *percent >= 0.5).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let text = |(name, percent)| format!("{name} {percent:.0} %");
    shares.into_iter().map(text).collect::<Vec<_>>().join(", ")
}
