//! A directory that Hugging Face `datasets` loads: Parquet files in `data` and a dataset card (`README.md`) that names them.
//! Timelines, if requested, are a configuration of their own, `windows`, with one row for each window.

use super::{Cell, Field, Format, Layout, PROGRAM, Sink, columnar::ColumnarSink};
use crate::{
    Error, Result,
    atomic_file::{self, directory_of, write_error},
    emotion::Emotion,
    library::{Column, Song},
};
use arrow_schema::DataType;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

pub(super) struct HuggingFaceSink {
    target: PathBuf,
    directory: TempDir,
    songs: Box<ColumnarSink>,
    windows: Option<Box<ColumnarSink>>,
    card: String,
    rows: i64,
}

impl HuggingFaceSink {
    /// Makes the directory beside its path under a temporary name.
    pub(super) fn create(target: &Path, mut layout: Layout<'_>) -> Result<Self> {
        let is_free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound && !target.is_symlink(),
        };
        if !is_free {
            let message =
                "the output directory is not empty; delete it, or give another name with -o";
            return Err(Error::invalid(message).with_path(target));
        }
        let error = |source| write_error(target, source);
        let directory = temporary_directory(target).map_err(error)?;
        let data = directory.path().join("data");
        fs::create_dir(&data).map_err(error)?;
        let parquet = |name: &str, layout| {
            let path = data.join(format!("{name}-00000-of-00001.parquet"));
            ColumnarSink::create(Format::Parquet, &path, layout).map(Box::new)
        };
        let mut windows = None;
        if layout.has(Column::Timeline) {
            let mut of_windows = layout.clone();
            of_windows.fields = window_fields(layout.has_felt);
            windows = Some(parquet("windows", of_windows)?);
        }
        let timeline = Field::Of(Column::Timeline);
        layout.fields.retain(|field| *field != timeline);
        Ok(Self {
            target: target.to_owned(),
            card: card(&layout, windows.is_some()),
            songs: parquet("songs", layout)?,
            directory,
            windows,
            rows: 0,
        })
    }
}

impl Sink for HuggingFaceSink {
    fn row(&mut self, song: Song, extra: Vec<Cell<'static>>) -> Result<()> {
        if let Some(windows) = &mut self.windows {
            for (number, moment) in (0..).zip(song.timeline.iter().flatten()) {
                let window = Song {
                    path: song.path.clone(),
                    valence: moment.valence,
                    arousal: moment.arousal,
                    emotions: moment.emotions,
                    felt: moment.felt,
                    ..Song::default()
                };
                let start = Cell::Double(moment.start_s);
                let place = vec![Cell::Integer(self.rows), Cell::Integer(number), start];
                windows.row(window, place)?;
            }
        }
        self.rows += 1;
        self.songs.row(song, extra)
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>> {
        self.songs.finish()?;
        if let Some(windows) = self.windows {
            windows.finish()?;
        }
        atomic_file::write(&self.directory.path().join("README.md"), |file| {
            file.write_all(self.card.as_bytes())
        })?;
        let target = self.target;
        if target.is_dir() {
            // It was empty before. If somebody has filled it since, this fails.
            fs::remove_dir(&target).map_err(|e| write_error(&target, e))?;
        }
        fs::rename(self.directory.path(), &target).map_err(|e| write_error(&target, e))?;
        // It was moved, so there is nothing to remove.
        let _ = self.directory.keep();
        Ok(vec![target])
    }
}

fn temporary_directory(target: &Path) -> io::Result<TempDir> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(target.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        // Temporary directories are private otherwise.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(directory_of(target))
}

/// The fields of the configuration `windows`: a window is written like a song.
fn window_fields(has_felt: bool) -> Vec<Field> {
    let mut fields = vec![
        Field::extra("song", DataType::Int64, 0),
        Field::Of(Column::Path),
        Field::extra("number", DataType::Int64, 1),
        Field::extra("start_s", DataType::Float64, 2),
        Field::Of(Column::Valence),
        Field::Of(Column::Arousal),
    ];
    fields.extend(Emotion::ALL.map(Field::Percentage));
    if has_felt {
        fields.extend(Emotion::ALL.map(Field::Felt));
    }
    fields
}

/// The dataset card: configurations for `datasets`, and a description for people.
fn card(layout: &Layout<'_>, has_windows: bool) -> String {
    let model = &layout.info.model;
    let fields = layout.fields.iter();
    let names: Vec<String> = fields.map(|f| format!("`{}`", f.name())).collect();
    let (configuration, windows) = if has_windows {
        (
            "- config_name: windows\n  data_files:\n  - split: train\n    path: data/windows-*.parquet\n",
            "\n`windows`, one row for each window of a song: `song` is its row in `songs`, `start_s` the start of the window in \
             seconds.\n",
        )
    } else {
        ("", "")
    };
    format!(
        "---\npretty_name: Emotions of a music library\ntags:\n- music\n- emotion\n- valence-arousal\nconfigs:\n\
         - config_name: songs\n  default: true\n  data_files:\n  - split: train\n    path: data/songs-*.parquet\n\
         {configuration}---\n\n# Emotions of a music library\n\nPredictions of the model `{}` (SHA-256 of its file: `{}`; \
         written by {}). There is no audio in this data set.\n\n```python\nfrom datasets import load_dataset\n\nsongs = \
         load_dataset(\"this directory\", \"songs\", split=\"train\")\n```\n\n## Columns\n\n`valence` and `arousal` range \
         from 1 to 9 with the center at 5. The eight emotions are percentages with the sum 100: {}. `emotion` is the strongest. \
         The numbers of a `silent` song mean nothing.\n\n`songs`: {}.\n{windows}\n## Preprocessing\n\n```json\n{:#}\n```\n",
        model.name,
        model.identity,
        PROGRAM,
        Emotion::ALL.map(|e| format!("`{e}`")).join(", "),
        names.join(", "),
        layout.info.preprocessing,
    )
}
