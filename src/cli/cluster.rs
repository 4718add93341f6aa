//! `circumplex cluster`: the songs of a library in clusters on the valence-arousal plane.

use super::{
    CliError, CliResult,
    analyze_text::count,
    console::Console,
    exit::Exit,
    export::{What, write},
    library::Libraries,
    table::{Align, Table, terminal_width},
};
use crate::{
    cluster::{Clusters, Point, Silhouette, from_centres, from_random, silhouette},
    emotion::{CENTRE, EXPRESSION_MEANS, Expression},
    library::{Collection, Column, Note},
    output::{Extra, Format},
};
use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, StringArray},
    datatypes::{DataType, Field, Float32Type},
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};

/// Part the songs into clusters by valence and arousal (k-means)
#[derive(clap::Args)]
#[command(
    after_help = "With --init emotions k-means begins at the valence and arousal of words for what a face shows (Warriner, \
                  Kuperman & Brysbaert 2013): happiness, sadness, anger, neutral (the plane's centre), surprise, disgust, fear, \
                  or those that --centres names. With --init random it begins at random songs, ten times, and the least \
                  inertia counts. Silent songs take no part. Of more than 10,000 songs the silhouette is that of a random \
                  sample of 10,000.\n\
                  \n\
                  -o writes the library as `circumplex export` does, with the columns `cluster` (from 0; empty for silent \
                  songs) and, with --init emotions, `cluster_name`."
)]
pub struct Args {
    #[command(flatten)]
    library: Libraries,
    /// Number of clusters; 7 unless --centres names others
    #[arg(short, long, value_name = "K")]
    k: Option<usize>,
    /// Where the centres begin
    #[arg(long, value_enum, default_value_t = Init::Emotions)]
    init: Init,
    /// Begin at these: happiness, sadness, anger, neutral, surprise, disgust, fear, contempt
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    centres: Vec<Expression>,
    /// For random starts and samples: the same seed gives the same answer
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Also write the songs with their clusters: a file in a format of `circumplex export`
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    what: What,
}

/// Where the centres begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Init {
    /// At named emotions
    Emotions,
    /// At random songs
    Random,
}

/// The seven that begin unless others are named.
const SEVEN: [Expression; 7] = [
    Expression::Happiness,
    Expression::Sadness,
    Expression::Anger,
    Expression::Neutral,
    Expression::Surprise,
    Expression::Disgust,
    Expression::Fear,
];

pub fn run(args: Args, console: &Console) -> CliResult {
    let starts = args.starts()?;
    let format = match &args.output {
        Some(output) if output.as_os_str() == "-" => {
            return Err("-: standard output has the clusters; name a file with -o".into());
        }
        Some(output) => Some(args.what.format(output)?),
        None => None,
    };
    if format == Some(Format::M3u8) {
        return Err("m3u8 cannot hold `cluster`; take another format, such as csv".into());
    }
    let library = args.library.open_filled()?;
    let (points, rows) = points(&library)?;
    if points.is_empty() {
        return Err(format!(
            "{}: all songs of the library are silent; there is nothing to cluster",
            library.name()
        )
        .into());
    }
    let clusters = match &starts {
        Some(starts) => from_centres(
            &points,
            &starts.iter().map(|e| place(*e)).collect::<Vec<_>>(),
        ),
        None => from_random(&points, args.k.unwrap_or(SEVEN.len()), args.seed),
    };
    let clusters = clusters.map_err(|error| named(&library, error))?;
    let silhouette = silhouette(&points, &clusters, args.seed);
    let names: Option<Vec<&str>> = starts.map(|starts| starts.iter().map(|e| e.name()).collect());
    let silent = rows.len() - points.len();
    let text = if args.json {
        json(&library, &clusters, names.as_deref(), silhouette, silent)?
    } else {
        table(&clusters, names.as_deref(), silhouette, silent)
    };
    console.print(&text)?;
    if let Some((output, format)) = args.output.as_deref().zip(format) {
        let mut export = args.what.export(&library)?;
        export.extra = columns(&rows, &clusters, names.as_deref());
        write(&export, format, output, &library, console)?;
    }
    Ok(Exit::AllDone)
}

impl Args {
    /// The expressions to begin at; `None` for random songs.
    fn starts(&self) -> Result<Option<Vec<Expression>>, CliError> {
        if self.k == Some(0) {
            return Err("--k 0: expected at least one cluster".into());
        }
        if self.init == Init::Random {
            if !self.centres.is_empty() {
                return Err(
                    "--centres names where to begin, --init random says anywhere; leave one out"
                        .into(),
                );
            }
            return Ok(None);
        }
        let starts = if self.centres.is_empty() {
            SEVEN.to_vec()
        } else {
            self.centres.clone()
        };
        for (number, start) in starts.iter().enumerate() {
            if starts.iter().skip(number + 1).any(|other| other == start) {
                return Err(format!("--centres: {start} is named twice").into());
            }
        }
        match self.k {
            Some(k) if k != starts.len() => Err(format!(
                "--k {k}, but {} to begin at ({}); name {k} with --centres, or take --init random",
                count(starts.len() as u64, "emotion", "emotions"),
                starts
                    .iter()
                    .map(|e| e.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            )
            .into()),
            _ => Ok(Some(starts)),
        }
    }
}

/// Where the word stands; a face at rest stands in the middle.
fn place(expression: Expression) -> Point {
    EXPRESSION_MEANS
        .iter()
        .find(|(other, _)| *other == expression)
        .and_then(|(_, means)| means.as_ref())
        .map_or([CENTRE; 2], |means| {
            [means.valence_mean, means.arousal_mean]
        })
}

fn named(library: &Collection, error: impl std::error::Error + Send + Sync + 'static) -> CliError {
    format!("{}: {}", library.name(), crate::error::one_line(&error)).into()
}

/// Valence and arousal of every song that is not silent, and of each row the number of its point.
fn points(library: &Collection) -> Result<(Vec<Point>, Vec<Option<usize>>), CliError> {
    let mut points = Vec::new();
    let mut rows = Vec::new();
    for batch in library.table(&[Column::Valence, Column::Arousal, Column::Note])? {
        let batch = batch?;
        let [valence, arousal, note] = [0, 1, 2].map(|n| batch.column(n));
        let valence = valence.as_primitive::<Float32Type>().values();
        let arousal = arousal.as_primitive::<Float32Type>().values();
        let notes = note.as_string::<i32>().iter();
        for ((valence, arousal), note) in valence.iter().zip(arousal).zip(notes) {
            if note.is_some_and(Note::says_silent) {
                rows.push(None);
            } else {
                rows.push(Some(points.len()));
                points.push([f64::from(*valence), f64::from(*arousal)]);
            }
        }
    }
    Ok((points, rows))
}

/// The columns that an export gets.
fn columns(rows: &[Option<usize>], clusters: &Clusters, names: Option<&[&str]>) -> Vec<Extra> {
    let of = |row: &Option<usize>| row.and_then(|point| clusters.of.get(point).copied());
    let numbers: Int32Array = rows
        .iter()
        .map(|row| of(row).and_then(|cluster| i32::try_from(cluster).ok()))
        .collect();
    let mut columns = vec![Extra {
        field: Field::new("cluster", DataType::Int32, true),
        values: Arc::new(numbers),
    }];
    if let Some(names) = names {
        let texts: StringArray = rows
            .iter()
            .map(|row| of(row).and_then(|cluster| names.get(cluster).copied()))
            .collect();
        columns.push(Extra {
            field: Field::new("cluster_name", DataType::Utf8, true),
            values: Arc::new(texts) as ArrayRef,
        });
    }
    debug_assert!(
        columns
            .iter()
            .all(|column| column.values.len() == rows.len())
    );
    columns
}

fn table(
    clusters: &Clusters,
    names: Option<&[&str]>,
    silhouette: Option<Silhouette>,
    silent: usize,
) -> String {
    let mut table = Table::new([
        ("cluster", Align::Right),
        ("begun at", Align::Left),
        ("songs", Align::Right),
        ("%", Align::Right),
        ("valence", Align::Right),
        ("arousal", Align::Right),
    ]);
    let songs = clusters.of.len();
    for (number, (centre, size)) in clusters.centres.iter().zip(&clusters.sizes).enumerate() {
        let begun = names.and_then(|names| names.get(number).copied());
        table.row([
            number.to_string(),
            begun.unwrap_or("a song").to_owned(),
            size.to_string(),
            format!("{:.1}", 100.0 * *size as f64 / songs as f64),
            format!("{:.2}", centre[0]),
            format!("{:.2}", centre[1]),
        ]);
    }
    let mut text = table.render(terminal_width());
    text.push_str(&match silhouette {
        Some(found) if found.songs < songs => {
            format!(
                "silhouette {:.3} (of {} songs, drawn at random)",
                found.mean, found.songs
            )
        }
        Some(found) => format!("silhouette {:.3}", found.mean),
        None => "no silhouette: all songs are in one cluster".to_owned(),
    });
    text.push_str(&format!(", inertia {:.1}", clusters.inertia));
    if silent > 0 {
        text.push_str(&format!(
            "; {} left out",
            count(silent as u64, "silent song", "silent songs")
        ));
    }
    text
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    k: usize,
    clusters: Vec<OneCluster<'a>>,
    inertia: f64,
    silhouette: Option<f64>,
    silhouette_songs: Option<usize>,
    silent_songs: usize,
    model: &'a str,
}

#[derive(Serialize)]
struct OneCluster<'a> {
    cluster: usize,
    name: Option<&'a str>,
    start: Point,
    songs: usize,
    valence: f64,
    arousal: f64,
}

fn json(
    library: &Collection,
    clusters: &Clusters,
    names: Option<&[&str]>,
    silhouette: Option<Silhouette>,
    silent: usize,
) -> Result<String, serde_json::Error> {
    let each = clusters
        .centres
        .iter()
        .zip(&clusters.sizes)
        .zip(&clusters.start);
    let answer = Answer {
        k: clusters.centres.len(),
        clusters: each
            .enumerate()
            .map(|(cluster, ((centre, songs), start))| OneCluster {
                cluster,
                name: names.and_then(|names| names.get(cluster).copied()),
                start: *start,
                songs: *songs,
                valence: centre[0],
                arousal: centre[1],
            })
            .collect(),
        inertia: clusters.inertia,
        silhouette: silhouette.map(|found| found.mean),
        silhouette_songs: silhouette.map(|found| found.songs),
        silent_songs: silent,
        model: &library.info().model.identity,
    };
    serde_json::to_string_pretty(&answer)
}
