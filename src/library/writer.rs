//! Writing a library: rows in, one Parquet file out, all or nothing.

use super::{
    Column, FOOTER_KEY, FailedFile, LibraryError, LibraryInfo, SongRow, schema,
    schema::{expected_labels, list_item, moment_fields, moment_item},
};
use crate::emotion::{Emotion, Moment};
use arrow::{
    array::{
        ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array,
        Int64Array, ListArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
    },
    buffer::OffsetBuffer,
    datatypes::SchemaRef,
    error::ArrowError,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
    },
    schema::types::ColumnPath,
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::{NamedTempFile, TempPath};

/// Rows that are gathered before they are encoded.
const BATCH_ROWS: usize = 1024;
/// Moments of timelines that are gathered before they are encoded: long mixes have many in one row.
const BATCH_MOMENTS: usize = 32 * 1024;
/// Encoded bytes after which a row group ends before its rows are full.
const ROW_GROUP_BYTES: usize = 24 << 20;
/// Rows of a row group: bounds the memory of writing and lets readers work on parts in parallel.
const ROW_GROUP_ROWS: usize = 32 * 1024;
/// Rows of a page of the data: what has to be decoded to fetch one row.
const PAGE_ROWS: usize = 4 * 1024;

/// Writes a library beside its place under a temporary name, and puts it there only when it is whole and on the disk.
/// Dropped before [`finish`](Self::finish), it leaves nothing behind, and a library that was there before stays untouched.
pub struct LibraryWriter {
    writer: ArrowWriter<File>,
    temporary: TempPath,
    target: PathBuf,
    info: LibraryInfo,
    schema: SchemaRef,
    embedding: usize,
    pending: Vec<SongRow>,
    /// Moments of `pending`.
    moments: usize,
    rows: u64,
}

impl LibraryWriter {
    /// Makes the temporary file in the folder of `target`, so that an output that cannot be written is known before the
    /// work begins. A symbolic link keeps its place: the file that it points to is replaced.
    ///
    /// `embedding` is the length of the model's embedding, at least 1.
    ///
    /// # Errors
    /// [`LibraryError::NotAFile`] where `target` is a folder, a device or the like, [`LibraryError::Create`] where its
    /// folder cannot be written, [`LibraryError::Write`] where the disk is full.
    pub fn create(
        target: &Path,
        info: &LibraryInfo,
        embedding: usize,
    ) -> Result<Self, LibraryError> {
        debug_assert_eq!(info.labels, expected_labels());
        let target = resolve_target(target)?;
        let temporary = create_temporary(&target)?;
        let (file, temporary) = temporary.into_parts();
        let write_error = |source| LibraryError::Write {
            path: target.clone(),
            source,
        };
        let length = i32::try_from(embedding)
            .map_err(|e| write_error(ParquetError::External(Box::new(e))))?;
        let schema = schema(length);
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties())).map_err(write_error)?;
        Ok(Self {
            writer,
            temporary,
            target,
            info: info.clone(),
            schema,
            embedding,
            pending: Vec::new(),
            moments: 0,
            rows: 0,
        })
    }

    /// Where the library will stand: `target` of [`create`](Self::create) with symbolic links resolved.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Adds a song. Rows stand in the file in the order in which they come.
    ///
    /// # Errors
    /// [`LibraryError::Embedding`] where the embedding's length is wrong, [`LibraryError::Write`] on a full disk.
    pub fn push(&mut self, row: SongRow) -> Result<(), LibraryError> {
        if row.embedding.len() != self.embedding {
            return Err(LibraryError::Embedding {
                song: row.path,
                expected: self.embedding,
                found: row.embedding.len(),
            });
        }
        self.moments += row.timeline.as_ref().map_or(0, Vec::len);
        self.pending.push(row);
        if self.pending.len() >= BATCH_ROWS || self.moments >= BATCH_MOMENTS {
            self.flush_pending()?;
        }
        Ok(())
    }

    /// Says which files could not be analysed: [`LibraryInfo::failures`] of the library.
    pub fn set_failures(&mut self, failures: Vec<FailedFile>) {
        self.info.failures = failures;
    }

    fn flush_pending(&mut self) -> Result<(), LibraryError> {
        let batch = record_batch(&self.schema, self.embedding, &self.pending)
            .map_err(|e| self.write_error(e.into()))?;
        self.writer
            .write(&batch)
            .map_err(|source| LibraryError::Write {
                path: self.target.clone(),
                source,
            })?;
        self.rows += self.pending.len() as u64;
        self.pending.clear();
        self.moments = 0;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(|source| LibraryError::Write {
                path: self.target.clone(),
                source,
            })?;
        }
        Ok(())
    }

    fn write_error(&self, source: ParquetError) -> LibraryError {
        LibraryError::Write {
            path: self.target.clone(),
            source,
        }
    }

    /// Completes the file, waits until the disk has it, and puts it in its place in one step. Returns the number of rows.
    ///
    /// # Errors
    /// [`LibraryError::Write`] and [`LibraryError::Persist`]; the library that was there before is then untouched.
    pub fn finish(mut self) -> Result<u64, LibraryError> {
        self.flush_pending()?;
        let footer = serde_json::to_string(&self.info)
            .map_err(|e| self.write_error(ParquetError::External(Box::new(e))))?;
        self.writer
            .append_key_value_metadata(KeyValue::new(FOOTER_KEY.to_owned(), footer));
        let Self {
            mut writer,
            temporary,
            target,
            rows,
            ..
        } = self;
        writer.finish().map_err(|source| LibraryError::Write {
            path: target.clone(),
            source,
        })?;
        let persist_error = |source| LibraryError::Persist {
            path: target.clone(),
            source,
        };
        writer.inner().sync_all().map_err(persist_error)?;
        // Closed before the rename, which some systems demand.
        drop(writer);
        if let Ok(existing) = fs::metadata(&target) {
            // A library that is replaced keeps its permissions. That a foreign owner forbids this is no reason to fail.
            let _ = fs::set_permissions(&temporary, existing.permissions());
        }
        temporary
            .persist(&target)
            .map_err(|e| persist_error(e.error))?;
        sync_folder(folder_of(&target));
        Ok(rows)
    }
}

fn properties() -> WriterProperties {
    // Level 3 is zstd's own default.
    let zstd = ZstdLevel::try_new(3).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(BATCH_ROWS)
        .set_created_by(concat!("circumplex version ", env!("CARGO_PKG_VERSION")).to_owned());
    // These hardly repeat: a dictionary would only cost time and room.
    for column in [Column::Emotions, Column::Embedding] {
        let path = ColumnPath::new(vec![column.name().into(), "list".into(), "item".into()]);
        if column == Column::Emotions {
            // Every question reads all of them, and zstd takes less than a tenth off.
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

fn record_batch(
    schema: &SchemaRef,
    embedding: usize,
    rows: &[SongRow],
) -> Result<RecordBatch, ArrowError> {
    let text = |get: fn(&SongRow) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<StringArray>())
    };
    let int = |get: fn(&SongRow) -> u32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(
            rows.iter()
                .map(|row| i32::try_from(get(row)).unwrap_or(i32::MAX)),
        ))
    };
    let float = |get: fn(&SongRow) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows.iter().map(get)))
    };
    let list = |length: usize, get: fn(&SongRow) -> &[f32]| -> Result<ArrayRef, ArrowError> {
        let values = Float32Array::from_iter_values(rows.iter().flat_map(get).copied());
        let length = i32::try_from(length)
            .map_err(|_| ArrowError::InvalidArgumentError("list too long".into()))?;
        Ok(Arc::new(FixedSizeListArray::try_new(
            list_item(),
            length,
            Arc::new(values),
            None,
        )?))
    };
    let mut columns = Vec::with_capacity(Column::ALL.len());
    for column in Column::ALL {
        columns.push(match column {
            Column::Path => text(|row| Some(&row.path)),
            Column::PathBytes => Arc::new(
                rows.iter()
                    .map(|row| row.path_bytes.as_deref())
                    .collect::<BinaryArray>(),
            ),
            Column::SizeBytes => Arc::new(Int64Array::from_iter_values(
                rows.iter()
                    .map(|row| i64::try_from(row.size_bytes).unwrap_or(i64::MAX)),
            )),
            Column::Modified => Arc::new(
                rows.iter()
                    .map(|row| row.modified.map(|time| time.0))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            Column::DurationS => Arc::new(Float64Array::from_iter_values(
                rows.iter().map(|row| row.duration_s),
            )),
            Column::SampleRate => int(|row| row.sample_rate),
            Column::Channels => int(|row| row.channels),
            Column::Codec => text(|row| Some(&row.codec)),
            Column::Title => text(|row| row.title.as_deref()),
            Column::Artist => text(|row| row.artist.as_deref()),
            Column::Album => text(|row| row.album.as_deref()),
            Column::Genre => text(|row| row.genre.as_deref()),
            Column::Valence => float(|row| row.valence),
            Column::Arousal => float(|row| row.arousal),
            Column::Emotions => list(Emotion::COUNT, |row| row.emotions.as_array())?,
            Column::Embedding => list(embedding, |row| &row.embedding)?,
            Column::AnalyzedAt => Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    rows.iter().map(|row| row.analyzed_at.0),
                )
                .with_timezone("UTC"),
            ),
            Column::Windows => int(|row| row.windows),
            Column::ContentHash => text(|row| row.content_hash.as_deref()),
            Column::Note => text(|row| row.note.as_deref()),
            Column::Timeline => timelines(rows)?,
        });
    }
    RecordBatch::try_new(schema.clone(), columns)
}

/// A list of moments for each row, null where it has none.
fn timelines(rows: &[SongRow]) -> Result<ArrayRef, ArrowError> {
    let lists = || rows.iter().map(|row| row.timeline.as_deref());
    let moments = || lists().flatten().flatten();
    let shares = FixedSizeListArray::try_new(
        list_item(),
        Emotion::COUNT as i32,
        Arc::new(Float32Array::from_iter_values(
            moments().flat_map(|moment| *moment.emotions.as_array()),
        )),
        None,
    )?;
    let fields: Vec<ArrayRef> = vec![
        Arc::new(Float64Array::from_iter_values(moments().map(|m| m.start_s))),
        Arc::new(Float32Array::from_iter_values(moments().map(|m| m.valence))),
        Arc::new(Float32Array::from_iter_values(moments().map(|m| m.arousal))),
        Arc::new(shares),
    ];
    Ok(Arc::new(ListArray::try_new(
        moment_item(),
        OffsetBuffer::from_lengths(lists().map(|list| list.map_or(0, <[Moment]>::len))),
        Arc::new(StructArray::try_new(moment_fields(), fields, None)?),
        Some(lists().map(|list| list.is_some()).collect()),
    )?))
}

/// The place that a library with this name would be written to: symbolic links are followed.
///
/// # Errors
/// [`LibraryError::NotAFile`] for what a file must not replace: a folder, a device, a link that leads nowhere.
pub fn resolve_target(target: &Path) -> Result<PathBuf, LibraryError> {
    let not_a_file = |found| LibraryError::NotAFile {
        path: target.to_owned(),
        found,
    };
    if target.file_name().is_none() {
        return Err(not_a_file("no file name"));
    }
    match fs::metadata(target) {
        Ok(existing) if existing.is_dir() => Err(not_a_file("a folder")),
        Ok(existing) if !existing.is_file() => Err(not_a_file("a device, pipe or socket")),
        Ok(_) if fs::symlink_metadata(target).is_ok_and(|m| m.is_symlink()) => {
            fs::canonicalize(target).map_err(|source| LibraryError::Create {
                folder: folder_of(target).to_owned(),
                source,
            })
        }
        Ok(_) => Ok(target.to_owned()),
        Err(_) if fs::symlink_metadata(target).is_ok_and(|m| m.is_symlink()) => {
            Err(not_a_file("a symbolic link that leads nowhere"))
        }
        // Absent, or in a folder that cannot be looked into: making the temporary file tells which.
        Err(_) => Ok(target.to_owned()),
    }
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A new file beside `target`: `.<name>.<random>.tmp`, with the permissions that a new file of this person gets.
fn create_temporary(target: &Path) -> Result<NamedTempFile, LibraryError> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let folder = folder_of(target);
    builder
        .tempfile_in(folder)
        .map_err(|source| LibraryError::Create {
            folder: folder.to_owned(),
            // Without the temporary file's name, which would only confuse.
            source: match source.kind() {
                io::ErrorKind::Other => source,
                kind => kind.into(),
            },
        })
}

/// Makes the rename itself durable, where the system has a way to.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        // Some file systems cannot; the file's content is on the disk already.
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}
