//! `circumplex labels`: the labels of a data set as a table.

use super::{CliResult, Console, Exit, file_name};
use crate::dataset::{ColumnChoice, LabelOptions, LabelTable, Scale};
use std::path::PathBuf;

/// Write the labels of a data set, as training uses them, to a table; needs no audio
#[derive(clap::Args)]
#[command(
    after_help = "One row per annotated song: song_id, the percentage of each emotion, valence and arousal with their \
                  deviations, quadrant and argmax (the strongest emotion).\n\n\
                  A box of one standard deviation is the default because the published mean absolute error of 9.36 \
                  belongs to it; two or three deviations make every model's error two to three times smaller.\n\n\
                  Examples:\n  \
                    circumplex labels DEAM -o labels.csv --plot labels.png\n  \
                    circumplex labels DEAM -o published.csv --labels as-published\n  \
                    circumplex labels mine.csv --scale -1..1 -o labels.csv"
)]
pub(crate) struct Args {
    /// Directory in DEAM's layout, or a CSV or Parquet file with path or song_id, and valence_mean, valence_std,
    /// arousal_mean, arousal_std, or valence, arousal, or the eight emotions as percentages
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// CSV file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Standard deviations to each side of the mean that a song's box reaches
    #[arg(long, value_name = "N", default_value = "1")]
    sigma: f64,
    #[command(flatten)]
    source: LabelSource,
    /// Also draw all songs and the mean of each emotion on the plane, as .png or .svg
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Options of commands that train on labels or write them.
#[derive(clap::Args)]
pub(crate) struct LabelSource {
    /// How to read DEAM's crossed columns (valence and arousal of ids up to 1000)
    #[arg(long, value_enum, value_name = "WHICH", default_value = "corrected")]
    labels: ColumnChoice,
    #[command(flatten)]
    values: LabelValues,
}

impl LabelSource {
    /// As the library's options.
    pub(crate) fn options(&self, sigma: f64) -> LabelOptions {
        self.values.options(sigma, self.labels)
    }
}

/// Options of every command that reads a label file.
#[derive(clap::Args)]
pub(crate) struct LabelValues {
    /// Scale of valence and arousal in a label file, such as -1..1 [default: 1..9]
    #[arg(long, value_name = "LOW..HIGH", allow_hyphen_values = true)]
    scale: Option<Scale>,
    /// Standard deviation, on the file's scale, of labels without one [default: 1.5 of 1..9]
    #[arg(long, value_name = "STD")]
    deviation: Option<f64>,
}

impl LabelValues {
    /// As the library's options.
    pub(crate) fn options(&self, sigma: f64, columns: ColumnChoice) -> LabelOptions {
        LabelOptions {
            sigma,
            columns,
            scale: self.scale,
            deviation: self.deviation,
        }
    }
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let options = args.source.options(args.sigma);
    let table = LabelTable::make(&args.data, &options)?;
    if table.rows.is_empty() {
        bail!(
            "{}: no annotated song is usable ({} rows are not); see `circumplex dataset check`",
            args.data.display(),
            table.rejected.len()
        );
    }
    if let Some(message) = table.columns.message() {
        console.remark(&message);
    }
    for row in &table.rejected {
        console.warning(&format!("skipped: {row}"));
    }
    table.save(&args.output)?;
    if let Some(path) = &args.plot {
        let data = args.data.canonicalize().unwrap_or(args.data.clone());
        let title = format!("Emotion labels of {}", file_name(&data));
        table.picture(&title).scene().save(path)?;
    }
    let (output, songs) = (args.output.display(), table.rows.len());
    console.remark(&format!("{output}: {songs} songs"));
    Ok(Exit::of_files(songs, table.rejected.len()))
}
