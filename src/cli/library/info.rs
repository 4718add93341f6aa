//! `circumplex library info`.

use super::{done, how_to_retry, is_shipped};
use crate::{
    cli::{CliResult, Console, LibraryChoice, Table, analyze::report::spread_text, count, visible},
    emotion::Quadrant,
    error::Error,
    library::{Columns, Library},
    scan::Spread,
};
use serde_json::json;
use std::{collections::HashSet, fs};

/// Say what a library holds: songs, model, spread over the emotions, failures
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, console: &Console) -> CliResult {
    let library = args.library.open(console)?;
    let sums = Sums::of(&library)?;
    let text = if args.json {
        serde_json::to_string_pretty(&json_of(&library, &sums))?
    } else {
        text_of(&library, &sums)
    };
    console.print(&text)?;
    done()
}

/// Sums over the songs.
#[derive(Default)]
struct Sums {
    duration_s: f64,
    bytes: u64,
    spread: Spread,
    quadrants: [u64; 4],
    /// Songs whose numbers mean nothing, and which are not among those before.
    silent: u64,
    /// Rows beyond the first for the same path.
    repeated: u64,
}

impl Sums {
    fn of(library: &Library) -> Result<Self, Error> {
        let mut sums = Self::default();
        for part in library.files() {
            // It is open already; where its size cannot be told any more, nothing is lost.
            sums.bytes += fs::metadata(part.path()).map_or(0, |metadata| metadata.len());
        }
        let mut paths = HashSet::new();
        for song in library.songs(Columns::LIST) {
            let song = song?;
            sums.duration_s += song.duration_s;
            if song.silent {
                sums.silent += 1;
            } else {
                sums.spread.add(&song.emotions);
                let quadrant = Quadrant::of(song.valence.into(), song.arousal.into());
                sums.quadrants[quadrant as usize] += 1;
            }
            sums.repeated += u64::from(!paths.insert(song.unique_path().into_owned()));
        }
        Ok(sums)
    }
}

fn meaning(quadrant: Quadrant) -> &'static str {
    match quadrant {
        Quadrant::Q1 => "happy, excited",
        Quadrant::Q2 => "tense, frustrated",
        Quadrant::Q3 => "depressed, tired",
        Quadrant::Q4 => "calm, content",
    }
}

fn text_of(library: &Library, sums: &Sums) -> String {
    let info = library.info();
    let model = &info.model;
    let shipped = if is_shipped(library) {
        ", the one inside this program"
    } else {
        ", not the one inside this program"
    };
    let mut text = format!(
        "{}\n{}, {:.2} h of music, {:.1} MiB\nmodel {} ({}{shipped})\npreprocessing {}\nwritten by {}, format {}\n",
        visible(library.name()),
        count(library.rows(), "song", "songs"),
        sums.duration_s / 3600.0,
        sums.bytes as f64 / f64::from(1 << 20),
        visible(&model.name),
        visible(model.identity.get(..12).unwrap_or(&model.identity)),
        visible(&info.preprocessing.to_string()),
        visible(&info.program),
        info.format_version,
    );
    let failures = library.failures().len() as u64;
    text.push_str(&count(failures, "file", "files"));
    text.push_str(" failed");
    if failures > 0 {
        text.push_str(&format!(
            " (`circumplex library failures` lists them); {}",
            how_to_retry()
        ));
    }
    text.push('\n');
    if sums.repeated > 0 {
        text.push_str(&format!(
            "{} of songs that have another row; `circumplex library compact` keeps the latest of each\n",
            count(sums.repeated, "row", "rows"),
        ));
    }
    if sums.silent > 0 {
        text.push_str(&format!(
            "{} silent and not counted below\n",
            count(sums.silent, "song is", "songs are"),
        ));
    }
    text.push_str(&spread_text(&sums.spread));
    if sums.spread.songs() > 0 {
        let mut table = Table::new(["quadrant", ">songs", ">%", ""]);
        for (quadrant, songs) in Quadrant::ALL.into_iter().zip(sums.quadrants) {
            table.row([
                quadrant.to_string(),
                songs.to_string(),
                format!("{:.1}", 100.0 * songs as f64 / sums.spread.songs() as f64),
                meaning(quadrant).to_owned(),
            ]);
        }
        text.push_str(&format!("\n{}", table.render(None)));
    }
    text
}

fn json_of(library: &Library, sums: &Sums) -> serde_json::Value {
    let info = library.info();
    let files: Vec<_> = library
        .files()
        .iter()
        .map(|part| {
            json!({
                "path": part.path().display().to_string(),
                "songs": part.rows(),
                "failures": part.info().failures.len(),
                "program": part.info().program,
            })
        })
        .collect();
    let emotions: serde_json::Map<String, serde_json::Value> = sums
        .spread
        .means()
        .into_iter()
        .flatten()
        .map(|(emotion, mean, songs)| {
            let entry = json!({"mean_percent": mean, "strongest_in": songs});
            (emotion.to_string(), entry)
        })
        .collect();
    let quadrants: serde_json::Map<String, serde_json::Value> = Quadrant::ALL
        .into_iter()
        .zip(sums.quadrants)
        .map(|(quadrant, songs)| (quadrant.to_string(), songs.into()))
        .collect();
    json!({
        "files": files,
        "songs": library.rows(),
        "repeated_rows": sums.repeated,
        "silent": sums.silent,
        "failures": library.failures().len(),
        "duration_s": sums.duration_s,
        "size_bytes": sums.bytes,
        "format_version": info.format_version,
        "model": {
            "identity": info.model.identity,
            "name": info.model.name,
            "is_inside_this_program": is_shipped(library),
        },
        "preprocessing": info.preprocessing,
        "emotions": emotions,
        "quadrants": quadrants,
    })
}
