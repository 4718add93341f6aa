//! `circumplex analyze`: a folder of music to a library.

use super::{
    CliResult,
    console::Console,
    exit::Exit,
    model::ModelChoice,
    table::{Align, Table, visible},
    threads::Threads,
};
use crate::{
    analyze::{self, Failure, Finished, Listing, RunError, Summary, library_info, scan, song_row},
    chain::analyze_song,
    library::{LibraryError, LibraryWriter, SongRow},
};
use indicatif::ProgressBar;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Listen to every music file below a folder and write one row per song
#[derive(clap::Args)]
#[command(
    after_help = "Hidden files are left out. The library is a Parquet file that DuckDB, pyarrow, Polars and pandas read \
                  as it is; its paths are absolute. It is written only when all is done, in one step."
)]
pub struct Args {
    /// Folders with music, or single files
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// The library to write
    #[arg(short, long, value_name = "FILE", default_value = "library.parquet")]
    output: PathBuf,
    #[command(flatten)]
    model: ModelChoice,
    #[command(flatten)]
    threads: Threads,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let predictor = args.model.load()?;
    let bundle = predictor.bundle();
    // Before the work begins: an output that cannot be written is no news that one wants after hours.
    let mut writer = LibraryWriter::create(
        &args.output,
        &library_info(bundle),
        bundle.metadata().embedding,
    )?;
    let listing = scan(&args.folders)?;
    for failure in &listing.failures {
        report_failure(console, failure);
    }
    if listing.files.is_empty() {
        report_left_alone(console, &listing);
        return Err(no_music(&args.folders, &listing).into());
    }

    let begin = Instant::now();
    let mut progress = Progress::new(console, &listing);
    let mut summary = Summary::default();
    let mut rows: Vec<SongRow> = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    analyze::run::<RunError>(
        &listing.files,
        args.threads.count(),
        |path| analyze_song(path, &predictor),
        |Finished { file, outcome }| {
            match outcome {
                Ok(song) => {
                    summary.add(&song);
                    rows.push(song_row(file, song));
                }
                Err(error) => {
                    summary.failed += 1;
                    failures.push(Failure {
                        path: file.path.clone(),
                        error,
                    });
                }
            }
            progress.advance(file.size, &summary);
            Ok(())
        },
    )?;
    let elapsed = begin.elapsed();
    progress.finish();

    failures.sort_by(|a, b| a.path.cmp(&b.path));
    for failure in &failures {
        report_failure(console, failure);
    }
    report_left_alone(console, &listing);
    if rows.is_empty() {
        return Err(format!(
            "none of the {} music files could be analysed (reasons above); no library was written",
            listing.files.len()
        )
        .into());
    }
    write(&mut writer, rows)?;
    writer.finish()?;

    let failed = failures.len() + listing.failures.len();
    if !console.is_quiet() {
        console.print(&summary_text(&summary, failed, elapsed, &args.output))?;
    }
    Ok(Exit::of_files(summary.songs, failed))
}

fn write(writer: &mut LibraryWriter, mut rows: Vec<SongRow>) -> Result<(), LibraryError> {
    rows.sort_by(|a, b| (&a.path, &a.path_bytes).cmp(&(&b.path, &b.path_bytes)));
    rows.into_iter().try_for_each(|row| writer.push(row))
}

fn report_failure(console: &Console, failure: &Failure) {
    console.warning(&visible(&format!(
        "failed: {}: {}",
        failure.path.display(),
        failure.reason()
    )));
}

fn report_left_alone(console: &Console, listing: &Listing) {
    let unsupported: u64 = listing.unsupported.values().sum();
    if unsupported > 0 {
        let formats: Vec<String> = listing
            .unsupported
            .iter()
            .map(|(format, count)| format!("{format} {count}"))
            .collect();
        console.remark(&format!(
            "not analysed: {} in formats that circumplex does not decode ({})",
            count(unsupported, "file", "files"),
            formats.join(", ")
        ));
    }
    if listing.other > 0 {
        console.remark(&format!(
            "left alone: {}",
            count(
                listing.other,
                "file that is no music",
                "files that are no music"
            )
        ));
    }
}

fn no_music(folders: &[PathBuf], listing: &Listing) -> String {
    let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    let why = if listing.failures.is_empty() {
        "no music file found"
    } else {
        "no music file could be read"
    };
    format!(
        "{}: {why} (known are MP3, M4A, AAC, FLAC, Ogg, Opus, WAV, AIFF and CAF)",
        names.join(", ")
    )
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The bar while the run goes on.
struct Progress {
    bar: ProgressBar,
    begin: Instant,
    bytes_done: u64,
    bytes: u64,
}

impl Progress {
    fn new(console: &Console, listing: &Listing) -> Self {
        let bar = console.progress(
            listing.files.len() as u64,
            Some("{bar:24} {pos}/{len} files{msg}"),
        );
        Self {
            bar,
            begin: Instant::now(),
            bytes_done: 0,
            bytes: listing.files.iter().map(|file| file.size).sum(),
        }
    }

    fn advance(&mut self, bytes: u64, summary: &Summary) {
        self.bytes_done += bytes;
        if !self.bar.is_hidden() {
            let elapsed = self.begin.elapsed().as_secs_f64();
            // By size, not by number: a long mix takes longer than a short song.
            let left = elapsed * (self.bytes.saturating_sub(self.bytes_done)) as f64
                / self.bytes_done.max(1) as f64;
            self.bar.set_message(format!(
                ", {} failed, {:.2} h of music, {:.0} x real time, {} left",
                summary.failed,
                summary.audio_s / 3600.0,
                summary.audio_s / elapsed.max(1e-3),
                clock(left),
            ));
        }
        self.bar.inc(1);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Seconds as a person says them: `42 s`, `3:07 min`, `2:05 h`.
fn clock(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.round().max(0.0))
        .map_or(0, |duration| duration.as_secs());
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

fn summary_text(summary: &Summary, failed: usize, elapsed: Duration, output: &Path) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let mut text = format!(
        "{}: {}, {failed} failed\n{:.2} h of music in {}: {:.0} times real time, {:.1} files a second\n",
        visible(&output.display().to_string()),
        count(summary.songs as u64, "song", "songs"),
        summary.audio_s / 3600.0,
        if seconds < 60.0 {
            format!("{seconds:.1} s")
        } else {
            clock(seconds)
        },
        summary.audio_s / seconds,
        (summary.songs + summary.failed) as f64 / seconds,
    );
    if let Some(shares) = summary.stage_shares() {
        let shares: Vec<String> = shares
            .iter()
            .map(|(stage, share)| format!("{stage} {share:.0} %"))
            .collect();
        text.push_str(&format!("time went to {}\n", shares.join(", ")));
    }
    if let Some(spread) = summary.spread() {
        let mut table = Table::new([
            ("emotion", Align::Left),
            ("mean %", Align::Right),
            ("", Align::Left),
            ("strongest in", Align::Right),
        ]);
        let most = spread.iter().map(|(_, mean, _)| *mean).fold(1e-9, f64::max);
        for (emotion, mean, songs) in spread {
            table.row([
                emotion.to_string(),
                format!("{mean:.1}"),
                "█".repeat((24.0 * mean / most).round() as usize),
                songs.to_string(),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render(None));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_a_unit_that_fits() {
        assert_eq!(clock(0.2), "0 s");
        assert_eq!(clock(59.4), "59 s");
        assert_eq!(clock(187.0), "3:07 min");
        assert_eq!(clock(7_500.0), "2:05 h");
        assert_eq!(clock(f64::NAN), "0 s");
        assert_eq!(clock(f64::INFINITY), "0 s");
    }
}
