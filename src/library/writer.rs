//! Writing a library: songs in, one Parquet file out, all or nothing.

use super::{Column, INFO_KEY, LibraryInfo, Song, schema};
use crate::{
    atomic_file::{PendingFile, write_error},
    error::{Context, Error, ErrorKind, Result},
};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
    },
    schema::types::ColumnPath,
};
use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Rows that are gathered before they are encoded.
const BATCH_ROWS: usize = 1024;
/// Moments of timelines that are gathered before they are encoded: long mixes have many in one row.
const BATCH_MOMENTS: usize = 32 * 1024;
/// Encoded bytes after which a row group ends before its rows are full.
pub(crate) const ROW_GROUP_BYTES: usize = 24 << 20;
/// Rows of a row group: bounds the memory of writing and lets readers work on several in parallel.
const ROW_GROUP_ROWS: usize = 32 * 1024;
/// Rows of a page of the data: all of it is decoded to fetch one row.
const PAGE_ROWS: usize = 4 * 1024;

/// Writes a library beside its target under a temporary name, and moves it there only when it is complete and on the disk.
/// Dropped before [`finish`](Self::finish), it removes the temporary file, and an existing library stays untouched.
pub struct LibraryWriter {
    writer: ArrowWriter<File>,
    pending: PendingFile,
    schema: SchemaRef,
    embedding: usize,
    songs: Vec<Song>,
    /// Moments of `songs`.
    moments: usize,
    rows: u64,
}

impl LibraryWriter {
    /// Makes the temporary file in the directory of `target`, so that an unwritable output is known before the work begins. If
    /// `target` is a symbolic link, the file that it points to is replaced.
    ///
    /// `embedding` is the length of the model's embedding, at least 1.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if `target` is a directory, a device or the like, [`ErrorKind::Io`] if its directory cannot be
    /// written, [`ErrorKind::Library`] if the disk is full.
    pub fn create(target: &Path, info: &LibraryInfo, embedding: usize) -> Result<Self> {
        let pending = PendingFile::create(&resolve_target(target)?)?;
        let file = pending.file().try_clone().map_err(|e| pending.error(e))?;
        let info = LibraryInfo {
            format_version: super::FORMAT_VERSION,
            ..info.clone()
        };
        let json = written(serde_json::to_string(&info), &pending)?;
        let schema = schema(embedding);
        // Some programs keep the metadata of the Arrow schema, some that of the file.
        let metadata = HashMap::from([(INFO_KEY.to_owned(), json.clone())]);
        let described = Arc::new(schema.as_ref().clone().with_metadata(metadata));
        let writer = ArrowWriter::try_new(file, described, Some(properties()));
        let mut writer = written(writer, &pending)?;
        writer.append_key_value_metadata(KeyValue::new(INFO_KEY.to_owned(), json));
        Ok(Self {
            writer,
            pending,
            schema,
            embedding,
            songs: Vec::new(),
            moments: 0,
            rows: 0,
        })
    }

    /// Adds a song. The file keeps the order of the songs.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the embedding's length is wrong, [`ErrorKind::Library`] if the disk is full.
    pub fn push(&mut self, song: Song) -> Result<()> {
        if song.embedding.len() != self.embedding {
            let message = format!(
                "expected an embedding of {} numbers, found {}",
                self.embedding,
                song.embedding.len()
            );
            return Err(Error::invalid(message).with_path(song.path));
        }
        self.moments += song.timeline.as_ref().map_or(0, Vec::len);
        self.songs.push(song);
        if self.songs.len() >= BATCH_ROWS || self.moments >= BATCH_MOMENTS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let arrays = Column::ALL.map(|column| column.encode(&self.songs, self.embedding));
        let batch = arrays
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .and_then(|arrays| RecordBatch::try_new(self.schema.clone(), arrays));
        let batch = written(batch, &self.pending)?;
        self.rows += self.songs.len() as u64;
        self.songs.clear();
        self.moments = 0;
        written(self.writer.write(&batch), &self.pending)?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            written(self.writer.flush(), &self.pending)?;
        }
        Ok(())
    }

    /// Completes the file, waits until it is on the disk, and moves it to its target in one step. Returns the number of songs.
    ///
    /// # Errors
    /// [`ErrorKind::Library`] or [`ErrorKind::Io`] if that fails; an existing library is then untouched.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        // Closed before the rename, which some systems demand.
        written(self.writer.close(), &self.pending)?;
        self.pending.commit()?;
        Ok(self.rows)
    }
}

fn written<T, E>(result: Result<T, E>, pending: &PendingFile) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let message = "cannot write the library (the old one is unchanged)";
    result.context_at(ErrorKind::Library, pending.path(), message)
}

/// How every Parquet file is written.
pub(crate) fn parquet_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        // Level 3 is zstd's own default.
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        // Readers parse the version out of this form.
        .set_created_by(concat!("circumplex version ", env!("CARGO_PKG_VERSION")).to_owned())
}

fn properties() -> WriterProperties {
    let mut builder = parquet_properties()
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(BATCH_ROWS);
    // These hardly repeat: a dictionary would only cost time and space.
    for column in [Column::Emotions, Column::Felt, Column::Embedding] {
        let path = ColumnPath::new(vec![column.name().into(), "list".into(), "item".into()]);
        if column != Column::Embedding {
            // Every query reads all of them, and zstd saves less than a tenth.
            builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    for column in [
        Column::Path,
        Column::Valence,
        Column::Arousal,
        Column::DurationS,
        Column::ContentHash,
    ] {
        builder = builder
            .set_column_dictionary_enabled(ColumnPath::from(column.name().to_owned()), false);
    }
    builder.build()
}

/// The file that a library of this name would be written to: symbolic links are followed.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for what a file must not replace: a directory, a device, a broken symbolic link.
pub(crate) fn resolve_target(target: &Path) -> Result<PathBuf> {
    let is_link = fs::symlink_metadata(target).is_ok_and(|metadata| metadata.is_symlink());
    let found = match fs::metadata(target) {
        _ if target.file_name().is_none() => "no file name",
        Ok(existing) if existing.is_dir() => "a directory",
        Ok(existing) if !existing.is_file() => "a device, pipe or socket",
        Ok(_) if is_link => {
            return fs::canonicalize(target).map_err(|source| write_error(target, source));
        }
        Err(_) if is_link => "a broken symbolic link",
        // Absent, or in an unreadable directory: making the temporary file will tell.
        _ => return Ok(target.to_owned()),
    };
    let message =
        format!("expected the name of a file to write, found {found}; give another name with -o");
    Err(Error::invalid(message).with_path(target))
}
