//! Where the parts of a DEAM folder lie.

use super::{DatasetError, table::canonical_id};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// How the folder is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The official archives, unpacked in one folder: `MEMD_audio/`, `annotations/`, `metadata/`.
    Archives,
    /// The Kaggle mirror: the same below `DEAM_audio/` and `DEAM_Annotations/`.
    Kaggle,
    /// The annotation files directly in the folder, the audio files beside them or in `audio/`.
    Flat,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Archives => "official archives (MEMD_audio/ and annotations/)",
            Layout::Kaggle => "Kaggle mirror (DEAM_audio/ and DEAM_Annotations/)",
            Layout::Flat => "flat (annotation files directly in the folder)",
        })
    }
}

/// DEAM's per-second annotations, averaged per song.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicFiles {
    /// `arousal.csv`
    pub arousal: PathBuf,
    /// `valence.csv`
    pub valence: PathBuf,
}

/// What a DEAM folder was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The folder itself.
    pub root: PathBuf,
    /// How it is laid out.
    pub layout: Layout,
    /// Static annotation files, in order of their names; at least one.
    pub statics: Vec<PathBuf>,
    /// The per-second annotations, where both files are there.
    pub dynamics: Option<DynamicFiles>,
    /// The folder of the audio files, where one was found that holds any.
    pub audio: Option<PathBuf>,
    /// Files that may tell artists: DEAM's `metadata_*.csv`, `songs_info.csv`, `songs.csv`.
    pub metadata: Vec<PathBuf>,
}

/// Endings of the audio formats that are read.
const AUDIO: [&str; 17] = [
    "mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "mp4", "m4b", "aac", "aif", "aiff", "aifc",
    "caf", "mp2", "mp1", "wave",
];

/// Whether a file's name is that of an audio file. Hidden files (`._12.mp3` of a Mac archive) are none.
pub(super) fn is_audio(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|n| n.as_encoded_bytes().starts_with(b"."));
    !hidden
        && path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| AUDIO.iter().any(|a| e.eq_ignore_ascii_case(a)))
}

/// The files of a folder, sorted by name; an empty list where there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let fault = || DatasetError::io(folder, "listing the folder");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault())? {
        let path = entry.map_err(fault())?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn name_matches(path: &Path, start: &str) -> bool {
    path.file_name()
        .and_then(|n| n.to_str())
        .map(str::to_lowercase)
        .is_some_and(|n| n.starts_with(start) && n.ends_with(".csv"))
}

impl Folders {
    /// Looks for the parts of a DEAM folder.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::NoAnnotations`], or [`DatasetError::Io`] where a folder cannot be
    /// listed.
    pub fn find(root: &Path) -> Result<Self, DatasetError> {
        if !root.is_dir() {
            return Err(DatasetError::NotFound {
                path: root.to_owned(),
            });
        }
        const AVERAGED: &str = "annotations averaged per song";
        let candidates = [
            (Layout::Kaggle, "DEAM_Annotations/annotations"),
            (Layout::Kaggle, "DEAM_Annotations"),
            (Layout::Archives, "annotations"),
            (Layout::Archives, ""),
            (Layout::Flat, ""),
        ];
        for (layout, below) in candidates {
            let base = root.join(below);
            let songs = match layout {
                Layout::Flat => base.clone(),
                _ => base.join(AVERAGED).join("song_level"),
            };
            let statics: Vec<PathBuf> = files(&songs)?
                .into_iter()
                .filter(|f| name_matches(f, "static_annotations"))
                .collect();
            if statics.is_empty() {
                continue;
            }
            let dynamic = match layout {
                Layout::Flat => base,
                _ => base.join(AVERAGED).join("dynamic (per second annotations)"),
            };
            let dynamics = DynamicFiles {
                arousal: dynamic.join("arousal.csv"),
                valence: dynamic.join("valence.csv"),
            };
            return Ok(Self {
                root: root.to_owned(),
                layout,
                statics,
                dynamics: (dynamics.arousal.is_file() && dynamics.valence.is_file())
                    .then_some(dynamics),
                audio: audio_folder(root)?,
                metadata: metadata_files(root)?,
            });
        }
        Err(DatasetError::NoAnnotations {
            root: root.to_owned(),
        })
    }

    /// Audio files by song id, and those whose id another file already has.
    ///
    /// # Errors
    /// [`DatasetError::Io`] where the folder cannot be listed.
    pub fn audio_files(&self) -> Result<(BTreeMap<String, PathBuf>, Vec<PathBuf>), DatasetError> {
        match &self.audio {
            Some(folder) => audio_by_id(folder),
            None => Ok((BTreeMap::new(), Vec::new())),
        }
    }
}

/// Audio files of a folder by id (the name without its ending); second, those whose id was already taken.
pub(super) fn audio_by_id(
    folder: &Path,
) -> Result<(BTreeMap<String, PathBuf>, Vec<PathBuf>), DatasetError> {
    let (mut by_id, mut again) = (BTreeMap::new(), Vec::new());
    for file in files(folder)?.into_iter().filter(|f| is_audio(f)) {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        match by_id.entry(canonical_id(&stem)) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(file);
            }
            std::collections::btree_map::Entry::Occupied(_) => again.push(file),
        }
    }
    Ok((by_id, again))
}

/// The folder below `root` (or itself) that holds audio files.
pub(super) fn audio_folder(root: &Path) -> Result<Option<PathBuf>, DatasetError> {
    for below in [
        "DEAM_audio/MEMD_audio",
        "DEAM_audio",
        "MEMD_audio",
        "audio",
        "",
    ] {
        let folder = if below.is_empty() {
            root.to_owned()
        } else {
            root.join(below)
        };
        if files(&folder)?.iter().any(|f| is_audio(f)) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

fn metadata_files(root: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut found = Vec::new();
    for below in [
        "",
        "metadata",
        "DEAM_metadata",
        "DEAM_metadata/metadata",
        "DEAM_Metadata",
        "DEAM_Metadata/metadata",
        "DEAM_Annotations/metadata",
    ] {
        let folder = if below.is_empty() {
            root.to_owned()
        } else {
            root.join(below)
        };
        for file in files(&folder)? {
            if name_matches(&file, "metadata")
                || name_matches(&file, "songs.")
                || name_matches(&file, "songs_info.")
            {
                found.push(file);
            }
        }
    }
    // A file system that does not tell cases apart shows the same folder under two of the names.
    found.dedup_by_key(|f| f.canonicalize().unwrap_or_else(|_| f.clone()));
    Ok(found)
}
