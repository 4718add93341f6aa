//! A folder that Hugging Face `datasets` loads as it is: Parquet files in `data`, and a dataset card (`README.md`) that names them.
//! Songs are the configuration `songs`; timelines, where they are asked for, are `windows`, one row for each window.

use super::{
    ExportError, Provenance, Sink,
    moments::{FlatMoment, moments},
    parquet::ParquetSink,
};
use crate::{
    atomic_file::{self, write_error},
    emotion::Emotion,
    library::Column,
};
use arrow::{
    array::{ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

const FORMAT: &str = "huggingface";
/// Rows of a file.
const SHARD_ROWS: u64 = 100_000;

pub(super) struct HuggingFaceSink {
    target: PathBuf,
    folder: TempDir,
    songs: Shards,
    windows: Option<Shards>,
    provenance: Provenance,
    rows: i64,
}

impl HuggingFaceSink {
    /// Makes the folder beside its place under a temporary name.
    pub(super) fn create(
        target: &Path,
        schema: &SchemaRef,
        provenance: &Provenance,
    ) -> Result<Self, ExportError> {
        if !is_free(target) {
            return Err(ExportError::FolderInUse {
                path: target.to_owned(),
            });
        }
        let folder = temporary_folder(target).map_err(|e| write_error(target, e))?;
        let data = folder.path().join("data");
        fs::create_dir(&data).map_err(|e| write_error(target, e))?;
        let has_timelines = schema.field_with_name(Column::Timeline.name()).is_ok();
        let flat = schema.fields().iter();
        let flat = flat.filter(|field| field.name() != Column::Timeline.name());
        let flat =
            Schema::new_with_metadata(flat.cloned().collect::<Vec<_>>(), schema.metadata().clone());
        Ok(Self {
            target: target.to_owned(),
            songs: Shards::create(&data, "songs", Arc::new(flat))?,
            windows: has_timelines
                .then(|| Shards::create(&data, "windows", window_schema(schema)))
                .transpose()?,
            folder,
            provenance: provenance.clone(),
            rows: 0,
        })
    }

    fn encode_error(&self, error: ArrowError) -> ExportError {
        super::out::encode_error(&self.target, FORMAT, error.into())
    }
}

impl Sink for HuggingFaceSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        if let Some(windows) = &self.windows {
            let flat = window_batch(batch, self.rows, &windows.schema)
                .map_err(|error| self.encode_error(error))?;
            if let Some(windows) = &mut self.windows {
                windows.write(&flat)?;
            }
        }
        let names = self.songs.schema.fields().iter();
        let columns = names.filter_map(|field| batch.column_by_name(field.name()).cloned());
        let songs = RecordBatch::try_new(self.songs.schema.clone(), columns.collect())
            .map_err(|error| self.encode_error(error))?;
        self.songs.write(&songs)?;
        self.rows += batch.num_rows() as i64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<PathBuf>, ExportError> {
        let Self {
            target,
            folder,
            songs,
            windows,
            provenance,
            rows,
        } = *self;
        let card = card(&songs.schema, windows.is_some(), &provenance, rows);
        songs.finish()?;
        windows.map(Shards::finish).transpose()?;
        atomic_file::write(&folder.path().join("README.md"), |file| {
            file.write_all(card.as_bytes())
        })?;
        if target.is_dir() {
            // Empty, as was asked before; where somebody has filled it since, this fails.
            fs::remove_dir(&target).map_err(|e| write_error(&target, e))?;
        }
        fs::rename(folder.path(), &target).map_err(|e| write_error(&target, e))?;
        // It has moved away; there is nothing to remove.
        let _ = folder.keep();
        Ok(vec![target])
    }
}

/// Whether nothing is there, or an empty folder.
fn is_free(target: &Path) -> bool {
    match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound && !target.is_symlink(),
    }
}

fn temporary_folder(target: &Path) -> io::Result<TempDir> {
    let Some(name) = target.file_name() else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        // What a new folder of this person gets.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => builder.tempdir_in(parent),
        _ => builder.tempdir_in("."),
    }
}

/// The files of one configuration, which get their names when it is known how many there are.
struct Shards {
    folder: PathBuf,
    name: &'static str,
    schema: SchemaRef,
    current: Option<Box<ParquetSink>>,
    rows: u64,
    files: Vec<PathBuf>,
}

impl Shards {
    fn create(folder: &Path, name: &'static str, schema: SchemaRef) -> Result<Self, ExportError> {
        let mut shards = Self {
            folder: folder.to_owned(),
            name,
            schema,
            current: None,
            rows: 0,
            files: Vec::new(),
        };
        // There is one even where there is no row.
        shards.begin()?;
        Ok(shards)
    }

    fn begin(&mut self) -> Result<&mut ParquetSink, ExportError> {
        let path = self
            .folder
            .join(format!("{}-{:05}", self.name, self.files.len()));
        let sink = ParquetSink::create(&path, &self.schema)?;
        self.files.push(path);
        self.rows = 0;
        Ok(self.current.insert(Box::new(sink)))
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        if self.rows >= SHARD_ROWS
            && let Some(full) = self.current.take()
        {
            full.finish()?;
        }
        self.rows += batch.num_rows() as u64;
        match &mut self.current {
            Some(current) => current.write(batch),
            None => {
                let rows = batch.num_rows() as u64;
                self.begin()?.write(batch)?;
                self.rows = rows;
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<(), ExportError> {
        if let Some(last) = self.current.take() {
            last.finish()?;
        }
        let count = self.files.len();
        for (number, file) in self.files.iter().enumerate() {
            let name = format!("{}-{number:05}-of-{count:05}.parquet", self.name);
            let named = self.folder.join(name);
            fs::rename(file, &named).map_err(|e| write_error(&named, e))?;
        }
        Ok(())
    }
}

/// The columns of the configuration `windows`.
fn window_schema(songs: &SchemaRef) -> SchemaRef {
    let mut fields = vec![Field::new("song", DataType::Int64, false)];
    if let Ok(path) = songs.field_with_name(Column::Path.name()) {
        fields.push(path.clone());
    }
    fields.push(Field::new("number", DataType::Int64, false));
    fields.push(Field::new("start_s", DataType::Float64, false));
    let float = |name| Field::new(name, DataType::Float32, false);
    fields.extend(["valence", "arousal"].map(float));
    fields.extend(Emotion::ALL.map(|emotion| float(emotion.name())));
    Arc::new(Schema::new_with_metadata(fields, songs.metadata().clone()))
}

fn window_batch(
    batch: &RecordBatch,
    first_row: i64,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let moments: Vec<FlatMoment> = batch
        .column_by_name(Column::Timeline.name())
        .map(|timelines| moments(timelines).collect())
        .unwrap_or_default();
    let all = || moments.iter();
    let float = |get: &dyn Fn(&FlatMoment) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(all().map(get)))
    };
    let songs = all().map(|moment| first_row + moment.row as i64);
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(songs))];
    if let Some(paths) = batch
        .column_by_name(Column::Path.name())
        .and_then(|array| array.as_string_opt::<i32>())
    {
        let paths = all().map(|moment| paths.value(moment.row));
        arrays.push(Arc::new(StringArray::from_iter_values(paths)));
    }
    arrays.push(Arc::new(Int64Array::from_iter_values(
        all().map(|m| m.number),
    )));
    arrays.push(Arc::new(Float64Array::from_iter_values(
        all().map(|m| m.start_s),
    )));
    arrays.push(float(&|m| m.valence));
    arrays.push(float(&|m| m.arousal));
    for emotion in Emotion::ALL {
        arrays.push(float(&|m| m.emotions[emotion.index()]));
    }
    RecordBatch::try_new(schema.clone(), arrays)
}

/// The dataset card: what `datasets` needs in its head, and what people want to know below it.
fn card(songs: &SchemaRef, windows: bool, provenance: &Provenance, rows: i64) -> String {
    // As the site sorts them.
    let sizes = [
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
        (10_000_000, "1M<n<10M"),
    ];
    let size = sizes.iter().find(|(below, _)| rows < *below);
    let size = size.map_or("10M<n<100M", |(_, name)| name);
    let mut text = format!(
        "---\npretty_name: Emotions of a music library\ntags:\n- music\n- emotion\n- valence-arousal\nsize_categories:\n\
         - {size}\nconfigs:\n- config_name: songs\n  default: true\n  data_files:\n  - split: train\n    path: \
         data/songs-*.parquet\n"
    );
    if windows {
        text.push_str(
            "- config_name: windows\n  data_files:\n  - split: train\n    path: data/windows-*.parquet\n",
        );
    }
    let model = &provenance.model;
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "---\n\n# Emotions of a music library\n\n{rows} songs, as the model `{}` hears them (SHA-256 of its file: `{}`; written \
         by {}). No sound is in here.\n\n```python\nfrom datasets import load_dataset\n\nsongs = load_dataset(\"this \
         folder\", \"songs\", split=\"train\")\n```\n\n## Columns\n\n`valence` and `arousal` go from 1 to 9 with the centre at 5. \
         The eight emotions are percentages, sum 100: {}. `emotion` is the strongest. The numbers of a song whose `note` says \
         `silent` mean nothing.\n\n`songs`: {}.\n",
        model.name,
        model.identity,
        provenance.program,
        Emotion::ALL.map(|e| format!("`{e}`")).join(", "),
        names(songs),
    );
    if windows {
        let _ = write!(
            text,
            "\n`windows`, one row for each window of a song: `song` is its row in `songs`, `start_s` where the window begins, in \
             seconds.\n"
        );
    }
    let _ = write!(
        text,
        "\n## Preprocessing\n\n```json\n{:#}\n```\n",
        provenance.preprocessing
    );
    text
}

fn names(schema: &SchemaRef) -> String {
    let names = schema
        .fields()
        .iter()
        .map(|field| format!("`{}`", field.name()));
    names.collect::<Vec<_>>().join(", ")
}
