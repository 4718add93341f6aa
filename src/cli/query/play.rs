//! `--play` and `--open`: the system's programs for playlists and songs.

use crate::{
    cli::{CliError, Console},
    output::{
        Format,
        playlist::{Paths, playlist},
    },
    search::Match,
};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

const NO_SONG: &str = "no song was found that could be played";

/// Opens a playlist of all songs.
pub(crate) fn play(matches: &[Match], console: &Console) -> Result<(), CliError> {
    if matches.is_empty() {
        return Err(NO_SONG.into());
    }
    let playlist = temporary_playlist(matches)
        .map_err(|error| format!("cannot write a playlist for the player: {error}"))?;
    open_file(&playlist)?;
    console.remark(&format!("playing {}", playlist.display()));
    Ok(())
}

/// Opens the first song.
pub(crate) fn open_first(matches: &[Match], console: &Console) -> Result<(), CliError> {
    let path = &matches.first().ok_or(NO_SONG)?.song.path;
    if !path.is_file() {
        let path = path.display();
        bail!("{path}: the file no longer exists; run `circumplex analyze` again");
    }
    open_file(path)?;
    console.remark(&format!("opened {}", path.display()));
    Ok(())
}

/// The player reads it after this program has ended, so it stays until the system clears its temporary directory.
fn temporary_playlist(matches: &[Match]) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix("circumplex-")
        .suffix(".m3u8")
        .tempfile()?;
    let songs = matches.iter().map(|found| &found.song);
    let text = playlist(Format::M3u8, None, songs, &Paths::Absolute);
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

fn open_file(path: &Path) -> Result<(), CliError> {
    open::that(path).map_err(|error| {
        format!(
            "{}: cannot open it with the system's program for such files; install one (on Linux xdg-utils and a player), or \
             write a playlist with -o and open that: {error}",
            path.display()
        )
        .into()
    })
}
