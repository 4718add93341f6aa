//! The formats.

use crate::{
    Error, Result,
    library::{Column, Columns},
    text::did_you_mean,
};
use std::{fmt, path::Path, str::FromStr};

/// A format of songs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table for people; only on the command line.
    Table,
    /// Comma-separated values.
    Csv,
    /// A JSON array of objects.
    Json,
    /// A JSON object per line.
    JsonLines,
    /// Apache Parquet with flat columns.
    Parquet,
    /// Arrow IPC (Feather).
    Arrow,
    /// NumPy arrays and an index.
    Numpy,
    /// An SQLite database.
    Sqlite,
    /// A directory that Hugging Face `datasets` loads.
    HuggingFace,
    /// A playlist.
    M3u8,
    /// A playlist in XML.
    Xspf,
    /// Smart playlists of Navidrome, which list songs by their mood tags.
    Nsp,
}

impl Format {
    /// Every format with its name and the extensions of its files.
    const ALL: [(Format, &'static str, &'static [&'static str]); 12] = [
        (Format::Table, "table", &["txt"]),
        (Format::Csv, "csv", &["csv"]),
        (Format::Json, "json", &["json"]),
        (Format::JsonLines, "jsonl", &["jsonl", "ndjson"]),
        (Format::Parquet, "parquet", &["parquet"]),
        (Format::Arrow, "arrow", &["arrow", "feather", "ipc"]),
        (Format::Numpy, "npy", &["npy"]),
        (Format::Sqlite, "sqlite", &["sqlite", "sqlite3", "db"]),
        (Format::HuggingFace, "huggingface", &[]),
        (Format::M3u8, "m3u8", &["m3u8", "m3u"]),
        (Format::Xspf, "xspf", &["xspf"]),
        (Format::Nsp, "nsp", &["nsp"]),
    ];

    /// The format's name.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(format, ..)| *format == self)
            .map_or("", |(_, name, _)| name)
    }

    /// The format of a file by its extension.
    ///
    /// # Errors
    /// Where the extension is unknown.
    pub(crate) fn of_path(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        let mut all = Self::ALL.iter();
        let found = all.find(|(.., extensions)| extensions.contains(&extension.as_str()));
        found.map(|(format, ..)| *format).ok_or_else(|| {
            let message = "unknown extension; name it .parquet, .csv, .json, .jsonl, .arrow, .npy, .sqlite, .m3u8 or .xspf, \
                           or give --format";
            Error::invalid(message).with_path(path)
        })
    }

    pub(super) fn is_text(self) -> bool {
        matches!(
            self,
            Self::Csv | Self::Json | Self::JsonLines | Self::M3u8 | Self::Xspf
        )
    }

    /// Whether it is for players: an export is a directory with a playlist for each emotion.
    pub(crate) fn is_playlist(self) -> bool {
        matches!(self, Self::M3u8 | Self::Xspf | Self::Nsp)
    }

    /// The columns that the format needs besides its fields.
    pub(crate) fn columns(self) -> Columns {
        let columns = Columns::of(&[Column::Silent]);
        match self {
            Self::Numpy => columns.with(Column::Emotions),
            Self::HuggingFace => columns.with(Column::Path),
            Self::M3u8 | Self::Xspf => columns.and(Columns::LIST).and(Columns::TAGS),
            _ => columns,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    /// Reads a name in any case.
    fn from_str(name: &str) -> Result<Self> {
        let wanted = name.trim().to_lowercase();
        let mut all = Self::ALL.iter();
        let found = all.find(|(_, name, _)| *name == wanted);
        found.map(|(format, ..)| *format).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name, _)| name);
            Error::invalid(format!(
                "unknown format {name:?}{}; the formats are: {}",
                did_you_mean(name, names),
                names.join(", ")
            ))
        })
    }
}
