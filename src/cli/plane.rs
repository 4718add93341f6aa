//! `circumplex plane`: a library on the valence-arousal plane.

use super::{CliResult, Console, Exit, LibraryChoice, count, visible};
use crate::{
    figure::{Plane, PlanePoint, check_extension},
    library::Columns,
    scan::Spread,
};
use std::path::PathBuf;

/// Draw all songs of a library on the valence-arousal plane
#[derive(clap::Args)]
#[command(after_help = "\
Each song is a dot in the color of its strongest emotion; the bars show the mean percentages of the eight emotions.
Silent songs are skipped.

Examples:
  circumplex plane
  circumplex plane music.parquet -o plane.svg")]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// Picture to write, .png or .svg
    #[arg(short, long, value_name = "FILE", default_value = "plane.png")]
    output: PathBuf,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    check_extension(&args.output)?;
    let library = args.library.open_filled(console)?;
    let mut songs = Vec::new();
    let mut spread = Spread::default();
    for song in library.songs(Columns::LIST) {
        let song = song?;
        if song.silent {
            continue;
        }
        spread.add(&song.emotions);
        songs.push(PlanePoint {
            valence: f64::from(song.valence),
            arousal: f64::from(song.arousal),
            class: song.emotions.strongest() as usize,
        });
    }
    let Some(means) = spread.means() else {
        bail!("{}: all songs are silent; nothing to draw", library.name());
    };
    let plane = Plane {
        title: visible(library.name()),
        subtitle: visible(&format!(
            "{}, model {}",
            count(spread.songs, "song", "songs"),
            library.info().model.name
        )),
        songs,
        means: means
            .iter()
            .map(|(emotion, mean, _)| (emotion.name(), *mean))
            .collect(),
    };
    plane.scene().save(&args.output)?;
    console.remark(&format!("wrote {}", args.output.display()));
    Ok(Exit::AllDone)
}
