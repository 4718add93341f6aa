//! `circumplex cluster`: k-means over the songs of a library on the valence-arousal plane.

use super::{
    CliError, CliResult, Console, Exit, MappedLibrary, Table, count,
    export::{Selection, write},
    listed, terminal_width,
};
use crate::{
    cluster::{Point, from_centers, from_random, silhouette, within_range},
    emotion::{CENTER, EXPRESSION_MEANS, Expression},
    library::{Column, Columns, Library},
    output::{Cell, Extra},
};
use arrow_schema::DataType;
use serde::Serialize;
use std::path::PathBuf;

/// Cluster the songs by valence and arousal (k-means)
#[derive(clap::Args)]
#[command(
    after_help = "With --init emotions the centers start at the valence and arousal of the words for seven facial expressions \
                  (Warriner, Kuperman & Brysbaert 2013): happiness, sadness, anger, neutral (the center of the plane), surprise, \
                  disgust, fear, or those that --centers names. They are placed within the library's own range: 1 becomes its \
                  lowest valence or arousal, 9 its highest. With --init random they start at random songs; of ten starts the \
                  one with the lowest inertia is kept. Silent songs are skipped. For more than 10,000 songs the silhouette is \
                  that of a random sample of 10,000.\n\
                  \n\
                  -o writes the songs as `circumplex export` does, with the columns `cluster` (from 0; empty for silent songs) \
                  and, with --init emotions, `cluster_name`.\n\
                  \n\
                  Examples:\n  \
                    circumplex cluster\n  \
                    circumplex cluster --centers happiness,sadness,neutral --json\n  \
                    circumplex cluster --init random --k 4 -o clusters.csv"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: MappedLibrary,
    /// Number of clusters [default: 7, or as many as --centers names]
    #[arg(short, long, value_name = "K")]
    k: Option<usize>,
    /// Initial centers
    #[arg(long, value_enum, default_value_t = Init::Emotions)]
    init: Init,
    /// Emotions to start at: happiness, sadness, anger, neutral, surprise, disgust, fear, contempt
    #[arg(long, alias = "centres", value_name = "NAMES", value_delimiter = ',')]
    centers: Vec<Expression>,
    /// Seed for random starts and samples: the same seed gives the same clusters
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Also write the songs with their clusters, in a format of `circumplex export`
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

/// The initial centers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Init {
    /// At named emotions
    Emotions,
    /// At random songs
    Random,
}

/// The default initial centers.
const DEFAULT_CENTERS: [Expression; 7] = [
    Expression::Happiness,
    Expression::Sadness,
    Expression::Anger,
    Expression::Neutral,
    Expression::Surprise,
    Expression::Disgust,
    Expression::Fear,
];

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let starts = args.starts()?;
    let mut output = None;
    if let Some(path) = &args.output {
        if path.as_os_str() == "-" {
            bail!("-o -: the clusters go to standard output; name a file with -o");
        }
        let format = args.selection.format(path)?;
        if format.is_playlist() {
            bail!("{format} cannot hold `cluster`; choose another format, such as csv");
        }
        output = Some((path, format));
    }
    let library = args.library.open_filled(console)?;
    let (points, rows) = points(&library)?;
    if points.is_empty() {
        let name = library.name();
        bail!("{name}: all songs are silent; there is nothing to cluster");
    }
    let clusters = match &starts {
        Some(starts) => {
            let centers: Vec<Point> = starts.iter().map(|e| center(*e)).collect();
            from_centers(&points, &within_range(&points, &centers))
        }
        None => from_random(&points, args.k.unwrap_or(DEFAULT_CENTERS.len()), args.seed),
    };
    let clusters = clusters.map_err(|error| format!("{}: {error:#}", library.name()))?;
    let silhouette = silhouette(&points, &clusters, args.seed);
    let names: Option<Vec<&'static str>> =
        starts.map(|starts| starts.iter().map(|e| e.name()).collect());
    let one = |cluster: usize| OneCluster {
        cluster,
        name: names.as_ref().map(|names| names[cluster]),
        start: clusters.start[cluster],
        songs: clusters.sizes[cluster],
        valence: clusters.centers[cluster][0],
        arousal: clusters.centers[cluster][1],
    };
    let k = clusters.centers.len();
    let report = Report {
        k,
        clusters: (0..k).map(one).collect(),
        inertia: clusters.inertia,
        silhouette: silhouette.map(|found| found.mean),
        silhouette_songs: silhouette.map(|found| found.songs),
        silent_songs: rows.len() - points.len(),
        model: &library.info().model.identity,
    };
    let text = if args.json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.table(points.len())
    };
    console.print(&text)?;
    if let Some((path, format)) = output {
        let mut export = args.selection.export(&library)?;
        let mut add = |name: &'static str, data_type, cell: &dyn Fn(usize) -> Cell<'static>| {
            let cell_of = |point: usize| cell(clusters.labels[point]);
            let values = rows.iter().map(|row| row.map_or(Cell::Null, cell_of));
            export.extra.push(Extra {
                name: name.into(),
                data_type,
                values: values.collect(),
            });
        };
        add("cluster", DataType::Int64, &|label| {
            Cell::Integer(label as i64)
        });
        if let Some(names) = &names {
            add("cluster_name", DataType::Utf8, &|label| {
                Cell::Text(names[label].into())
            });
        }
        write(&export, format, path, library.rows(), console)?;
    }
    Ok(Exit::Success)
}

impl Args {
    /// The emotions to start at; `None` for random songs.
    fn starts(&self) -> Result<Option<Vec<Expression>>, CliError> {
        if self.k == Some(0) {
            bail!("--k 0: expected at least one cluster");
        }
        if self.init == Init::Random {
            if !self.centers.is_empty() {
                bail!("--centers and --init random exclude each other; leave one out");
            }
            return Ok(None);
        }
        let starts = match self.centers.is_empty() {
            true => DEFAULT_CENTERS.to_vec(),
            false => self.centers.clone(),
        };
        for (number, start) in starts.iter().enumerate() {
            if starts[..number].contains(start) {
                bail!("--centers: {start} is named twice");
            }
        }
        match self.k {
            Some(k) if k != starts.len() => bail!(
                "--k {k}, but {} to start at ({}); name {k} with --centers, or use --init random",
                count(starts.len() as u64, "emotion", "emotions"),
                listed(&starts, starts.len())
            ),
            _ => Ok(Some(starts)),
        }
    }
}

/// The point of an emotion on the 1-to-9 scale; neutral is the center of the plane.
fn center(expression: Expression) -> Point {
    let mut means = EXPRESSION_MEANS.iter();
    match means.find(|(other, _)| *other == expression) {
        Some((_, Some(means))) => [means.valence_mean, means.arousal_mean],
        _ => [CENTER; 2],
    }
}

/// Valence and arousal of every song that is not silent, and for each row the index of its point.
fn points(library: &Library) -> Result<(Vec<Point>, Vec<Option<usize>>), CliError> {
    let (mut points, mut rows) = (Vec::new(), Vec::new());
    let columns = Columns::of(&[Column::Valence, Column::Arousal, Column::Silent]);
    for song in library.songs(columns) {
        let song = song?;
        rows.push((!song.silent).then_some(points.len()));
        if !song.silent {
            points.push([f64::from(song.valence), f64::from(song.arousal)]);
        }
    }
    Ok((points, rows))
}

/// The result, with the fields of the JSON.
#[derive(Serialize)]
struct Report<'a> {
    k: usize,
    clusters: Vec<OneCluster>,
    inertia: f64,
    silhouette: Option<f64>,
    silhouette_songs: Option<usize>,
    silent_songs: usize,
    model: &'a str,
}

#[derive(Serialize)]
struct OneCluster {
    cluster: usize,
    name: Option<&'static str>,
    start: Point,
    songs: usize,
    valence: f64,
    arousal: f64,
}

impl Report<'_> {
    fn table(&self, songs: usize) -> String {
        let mut table = Table::new([
            ">cluster",
            "initialized at",
            ">songs",
            ">%",
            ">valence",
            ">arousal",
        ]);
        for cluster in &self.clusters {
            table.row([
                cluster.cluster.to_string(),
                cluster.name.unwrap_or("random").to_owned(),
                cluster.songs.to_string(),
                format!("{:.1}", 100.0 * cluster.songs as f64 / songs as f64),
                format!("{:.2}", cluster.valence),
                format!("{:.2}", cluster.arousal),
            ]);
        }
        let mut text = table.render(terminal_width());
        text += &match (self.silhouette, self.silhouette_songs) {
            (Some(mean), Some(sample)) if sample < songs => {
                format!("silhouette {mean:.3} (random sample of {sample} songs)")
            }
            (Some(mean), _) => format!("silhouette {mean:.3}"),
            (None, _) => "no silhouette: all songs are in one cluster".to_owned(),
        };
        text += &format!(", inertia {:.1}", self.inertia);
        if self.silent_songs > 0 {
            let songs = count(self.silent_songs as u64, "silent song", "silent songs");
            text += &format!("; {songs} skipped");
        }
        text
    }
}
