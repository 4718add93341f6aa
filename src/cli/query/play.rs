//! `--play` and `--open`: the answer handed to the programs of the system.

use crate::{
    cli::{CliError, console::Console},
    output::playlist::{Entry, Paths, write_m3u8},
    search::Match,
};
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// A file could not be handed on.
#[derive(Debug, thiserror::Error)]
enum PlayError {
    #[error("no song was found that could be played")]
    Nothing,
    #[error("{}: cannot write the playlist for the player", folder.display())]
    Playlist {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}: the file is not there any more; run `circumplex analyze` again", path.display())]
    Gone { path: PathBuf },
    #[error(
        "{}: cannot open it with the system's program for such files; install one (on Linux xdg-utils and a player), or write \
         a playlist with -o and open it yourself",
        path.display()
    )]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Hands a playlist of all songs to the program that the system opens playlists with.
pub fn play(matches: &[Match], console: &Console) -> Result<(), CliError> {
    if matches.is_empty() {
        return Err(PlayError::Nothing.into());
    }
    let playlist = temporary_playlist(matches).map_err(|source| PlayError::Playlist {
        folder: std::env::temp_dir(),
        source,
    })?;
    open_file(&playlist)?;
    console.remark(&format!("playing {}", playlist.display()));
    Ok(())
}

/// Hands the first song to the program that the system opens such files with.
pub fn open_first(matches: &[Match], console: &Console) -> Result<(), CliError> {
    let first = matches.first().ok_or(PlayError::Nothing)?;
    let path = first.song.path.clone();
    if !path.is_file() {
        return Err(PlayError::Gone { path }.into());
    }
    open_file(&path)?;
    console.remark(&format!("opened {}", path.display()));
    Ok(())
}

/// The player reads it after this program has ended, so it stays until the system clears its folder.
fn temporary_playlist(matches: &[Match]) -> io::Result<PathBuf> {
    let file = tempfile::Builder::new()
        .prefix("circumplex-")
        .suffix(".m3u8")
        .tempfile()?;
    let mut writer = BufWriter::new(file.as_file());
    let entries = matches.iter().map(|found| Entry::from(&found.song));
    write_m3u8(&mut writer, None, entries, &Paths::Absolute)?;
    writer.flush()?;
    drop(writer);
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

fn open_file(path: &Path) -> Result<(), PlayError> {
    open::that(path).map_err(|source| PlayError::Open {
        path: path.to_owned(),
        source,
    })
}
