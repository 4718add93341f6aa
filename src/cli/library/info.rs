//! `circumplex library info`.

use super::{HOW_TO_RETRY, is_shipped};
use crate::{
    cli::{
        CliResult, Console, Exit, LibraryChoice, Table, analyze::report::spread_text, count,
        visible,
    },
    emotion::Quadrant,
    error::Error,
    library::{Columns, Library},
    scan::Spread,
};
use serde_json::{Map, Value, json};
use std::{collections::HashSet, fs};

/// Summarize a library: songs, model, spread over the emotions, failures
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
                    circumplex library info\n  \
                    circumplex library info part-1.parquet part-2.parquet --json")]
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
    Ok(Exit::Success)
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

fn text_of(library: &Library, sums: &Sums) -> String {
    let info = library.info();
    let model = &info.model;
    let shipped = match is_shipped(library) {
        true => "the one inside this program",
        false => "not the one inside this program",
    };
    let songs = count(library.rows(), "song", "songs");
    let hours = sums.duration_s / 3600.0;
    let mebibytes = sums.bytes as f64 / f64::from(1 << 20);
    let failures = library.failures().len() as u64;
    let failed = count(failures, "file", "files");
    let mut lines = vec![
        library.name().to_owned(),
        format!("{songs}, {hours:.2} h of music, {mebibytes:.1} MiB"),
        format!("model {} ({:.12}, {shipped})", model.name, model.identity),
        format!("preprocessing {}", info.preprocessing),
        format!(
            "written by {}, format {}",
            info.program, info.format_version
        ),
        match failures {
            0 => format!("{failed} failed"),
            _ => format!(
                "{failed} failed (`circumplex library failures` lists them); {HOW_TO_RETRY}"
            ),
        },
    ];
    if sums.repeated > 0 {
        lines.push(format!(
            "{} of songs that have another row; `circumplex library compact` keeps the latest of each",
            count(sums.repeated, "row", "rows"),
        ));
    }
    if sums.silent > 0 {
        let silent = count(sums.silent, "song is", "songs are");
        lines.push(format!("{silent} silent and not counted below"));
    }
    let lines = lines.iter().map(|line| visible(line) + "\n");
    let mut text = lines.collect::<String>() + &spread_text(&sums.spread);
    if sums.spread.songs > 0 {
        let mut table = Table::new(["quadrant", ">songs", ">%", ""]);
        let emotions = [
            "happy, excited",
            "tense, frustrated",
            "depressed, tired",
            "calm, content",
        ];
        let quadrants = Quadrant::ALL.into_iter().zip(sums.quadrants);
        for ((quadrant, songs), emotions) in quadrants.zip(emotions) {
            table.row([
                quadrant.to_string(),
                songs.to_string(),
                format!("{:.1}", 100.0 * songs as f64 / sums.spread.songs as f64),
                emotions.to_owned(),
            ]);
        }
        text.push_str(&format!("\n{}", table.render(None)));
    }
    text
}

fn json_of(library: &Library, sums: &Sums) -> Value {
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
    let emotions: Map<String, Value> = sums
        .spread
        .means()
        .into_iter()
        .flatten()
        .map(|(emotion, mean, songs)| {
            let entry = json!({"mean_percent": mean, "strongest_in": songs});
            (emotion.to_string(), entry)
        })
        .collect();
    let quadrants: Map<String, Value> = Quadrant::ALL
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
