//! `circumplex plane`: a library on the valence-arousal plane.

use super::{CliResult, Console, Exit, LibraryChoice, count, visible};
use crate::{
    emotion::{EmotionVector, SCALE_MAX, SCALE_MIN, TYPICAL_DEVIATION},
    error::Result,
    evaluate::listeners::ranks,
    figure::{Plane, PlanePoint, check_extension},
    library::Columns,
    scan::Spread,
    search::point,
};
use std::path::PathBuf;

/// Draw all songs of a library on the valence-arousal plane
#[derive(clap::Args)]
#[command(after_help = "\
Each song is a dot in the color of its strongest emotion; the bars show the mean percentages of the eight emotions.
Silent songs are skipped. With --relative a song's place, color and percentages are those of its ranks in valence and in
arousal among the songs of the library, so that all eight sectors hold some.

Examples:
  circumplex plane
  circumplex plane --relative
  circumplex plane music.parquet -o plane.svg")]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// Picture to write, .png or .svg
    #[arg(short, long, value_name = "FILE", default_value = "plane.png")]
    output: PathBuf,
    /// Place each song by its ranks within the library: most libraries lie close to the middle of the plane
    #[arg(long)]
    relative: bool,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    check_extension(&args.output)?;
    let library = args.library.open_filled(console)?;
    let mut places = Vec::new();
    for song in library.songs(Columns::LIST) {
        let song = song?;
        if !song.silent {
            let place = [song.valence, song.arousal].map(f64::from);
            places.push((place, song.emotions));
        }
    }
    if args.relative {
        spread_by_rank(&mut places)?;
    }
    let mut spread = Spread::default();
    let mut songs = Vec::new();
    for ([valence, arousal], emotions) in places {
        spread.add(&emotions);
        songs.push(PlanePoint {
            valence,
            arousal,
            strongest: emotions.strongest(),
        });
    }
    let Some(means) = spread.means() else {
        bail!("{}: all songs are silent; nothing to draw", library.name());
    };
    let plane = Plane {
        title: visible(library.name()),
        subtitle: visible(&format!(
            "{}, model {}{}",
            count(spread.songs, "song", "songs"),
            library.info().model.name,
            if args.relative {
                ", by rank within the library"
            } else {
                ""
            }
        )),
        songs,
        means: means.map(|(_, mean, _)| mean),
    };
    plane.scene().save(&args.output)?;
    console.remark(&format!("wrote {}", args.output.display()));
    Ok(Exit::Success)
}

/// Moves songs so that they are evenly spread over valence and over arousal, in the same order as before; their percentages
/// become those of the new places.
fn spread_by_rank(places: &mut [([f64; 2], EmotionVector)]) -> Result<()> {
    let count = places.len() as f64;
    for axis in 0..2 {
        let values: Vec<f64> = places.iter().map(|(place, _)| place[axis]).collect();
        for ((place, _), rank) in places.iter_mut().zip(ranks(&values)) {
            place[axis] = SCALE_MIN + (SCALE_MAX - SCALE_MIN) * (rank + 0.5) / count;
        }
    }
    for ([valence, arousal], emotions) in places {
        *emotions = point(*valence, *arousal, TYPICAL_DEVIATION)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::Emotion;

    #[test]
    fn ranks_fill_the_plane_and_keep_the_order() {
        let place = |valence: f64, arousal: f64| ([valence, arousal], EmotionVector::even());
        let mut places = [
            place(5.1, 4.9),
            place(5.0, 5.2),
            place(5.3, 5.2),
            place(5.2, 4.8),
        ];
        spread_by_rank(&mut places).unwrap();
        let found = places.map(|(place, _)| place);
        assert_eq!(found, [[4.0, 4.0], [2.0, 7.0], [8.0, 7.0], [6.0, 2.0]]);
        let strongest = places.map(|(_, emotions)| emotions.strongest());
        assert_eq!(
            strongest[1..],
            [Emotion::Frustrated, Emotion::Happy, Emotion::Calm]
        );
        let mut one = [place(2.0, 2.0)];
        spread_by_rank(&mut one).unwrap();
        assert_eq!(one[0].0, [5.0, 5.0]);
    }
}
