//! What `circumplex analyze` says at the end.

pub(crate) use crate::text::count;

use super::table::{Align, Table, visible};
use crate::scan::{Report, Spread};
use std::{path::Path, time::Duration};

/// Seconds as a person says them: `42 s`, `3:07 min`, `2:05 h`.
pub fn clock(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.round().max(0.0))
        .map_or(0, |duration| duration.as_secs());
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

/// Songs, failures, time, where it went, and how the library spreads over the emotions.
pub fn summary_text(report: &Report, failed: usize, elapsed: Duration, output: &Path) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let work = &report.work;
    let mut text = format!(
        "{}: {}, {failed} failed\n",
        visible(&output.display().to_string()),
        count(report.spread.songs(), "song", "songs"),
    );
    let parts = [
        (work.songs, "analysed now"),
        (report.resumed, "from the run that was stopped"),
        (report.recognised, "recognised by their content"),
        (report.kept, "kept as they were"),
        (report.removed, "removed because their files are gone"),
        (report.excluded, "removed because patterns exclude them now"),
        (report.replaced, "replaced as CUE sheets divide their files"),
    ];
    if parts.iter().filter(|(number, _)| *number > 0).count() > 1 || work.songs == 0 {
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        text.push_str(&format!("{}\n", parts.join(", ")));
    }
    if work.songs > 0 {
        text.push_str(&format!(
            "{:.2} h of music in {}: {:.0} times real time, {:.1} files a second\n",
            work.audio_s / 3600.0,
            if seconds < 60.0 {
                format!("{seconds:.1} s")
            } else {
                clock(seconds)
            },
            work.audio_s / seconds,
            (work.songs + report.failures.len()) as f64 / seconds,
        ));
    }
    if let Some(shares) = work.stage_shares() {
        let shares: Vec<String> = shares
            .iter()
            .map(|(stage, share)| format!("{stage} {share:.0} %"))
            .collect();
        text.push_str(&format!("time went to {}\n", shares.join(", ")));
    }
    text.push_str(&spread_text(&report.spread));
    text
}

/// A table of the emotions with bars; nothing where there is no song.
pub fn spread_text(spread: &Spread) -> String {
    let Some(means) = spread.means() else {
        return String::new();
    };
    let mut table = Table::new([
        ("emotion", Align::Left),
        ("mean %", Align::Right),
        ("", Align::Left),
        ("strongest in", Align::Right),
    ]);
    let most = means.iter().map(|(_, mean, _)| *mean).fold(1e-9, f64::max);
    for (emotion, mean, songs) in means {
        table.row([
            emotion.to_string(),
            format!("{mean:.1}"),
            "█".repeat((24.0 * mean / most).round() as usize),
            songs.to_string(),
        ]);
    }
    format!("\n{}", table.render(None))
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

    #[test]
    fn the_summary_says_what_was_kept_and_what_was_done() {
        let mut report = Report {
            kept: 7,
            recognised: 2,
            removed: 1,
            ..Report::default()
        };
        report.work.songs = 3;
        report.work.audio_s = 7200.0;
        let text = summary_text(&report, 1, Duration::from_secs(60), Path::new("l.parquet"));
        assert!(text.contains("1 failed"), "{text}");
        assert!(text.contains(
            "3 analysed now, 2 recognised by their content, 7 kept as they were, 1 removed because"
        ));
        assert!(
            text.contains("2.00 h of music in 1:00 min: 120 times real time"),
            "{text}"
        );
    }
}
