//! Rows of files that failed, which engines write among the songs: those with a reason in the column `error`.

use super::{Column, FailedFile, arrays::Value, file::SharedFile, path_of};
use arrow_array::RecordBatch;
use arrow_schema::DataType;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
        },
    },
    errors::{ParquetError, Result},
    file::metadata::RowGroupMetaData,
};

/// The column of the reasons.
pub(crate) const ERROR: &str = "error";

/// The songs of a file that also has rows of files that failed.
#[derive(Debug, Default)]
pub(super) struct Failed {
    /// The songs of each row group; `None` where all rows are songs.
    pub songs: Vec<Option<RowSelection>>,
    /// The files that failed.
    pub files: Vec<FailedFile>,
}

/// Finds the rows of files that failed. Nothing is read of a file without such a column, and of row groups without a reason.
pub(super) fn find(file: &SharedFile, metadata: &ArrowReaderMetadata) -> Result<Failed> {
    let mut failed = Failed::default();
    let column = metadata.schema().column_with_name(ERROR);
    if column.is_none_or(|(_, field)| *field.data_type() != DataType::Utf8) {
        return Ok(failed);
    }
    for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
        if is_without_reason(group) {
            failed.songs.push(None);
            continue;
        }
        let names = [Column::Path.name(), Column::PathBytes.name(), ERROR];
        let mask = ProjectionMask::columns(metadata.parquet_schema(), names);
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata.clone())
                .with_projection(mask)
                .with_row_groups(vec![number]);
        let mut selectors = Vec::new();
        for batch in builder.build()? {
            let batch = batch.map_err(|error| ParquetError::External(Box::new(error)))?;
            for row in 0..batch.num_rows() {
                let reason = text(&batch, ERROR, row);
                selectors.push(match reason {
                    Some(_) => RowSelector::skip(1),
                    None => RowSelector::select(1),
                });
                failed.files.extend(reason.map(|reason| FailedFile {
                    path: path_of(
                        text(&batch, Column::Path.name(), row).unwrap_or_default(),
                        bytes(&batch, row),
                    ),
                    track: None,
                    size_bytes: 0,
                    modified: None,
                    reason,
                    needs_ffmpeg: false,
                }));
            }
        }
        // Joins neighbors.
        failed.songs.push(Some(selectors.into()));
    }
    Ok(failed)
}

fn is_without_reason(group: &RowGroupMetaData) -> bool {
    let column = (group.columns().iter()).find(|column| column.column_path().string() == ERROR);
    let nulls = column.and_then(|column| column.statistics()?.null_count_opt());
    nulls == u64::try_from(group.num_rows()).ok()
}

fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    String::decode(batch.column_by_name(name)?, row)
}

fn bytes(batch: &RecordBatch, row: usize) -> Option<Vec<u8>> {
    Vec::<u8>::decode(batch.column_by_name(Column::PathBytes.name())?, row)
}
