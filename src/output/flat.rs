//! Rows of a library as flat batches.

use super::{ExportColumn, ExportError};
use crate::{
    emotion::{Emotion, EmotionVector},
    library::{Column, Columns, Library},
};
use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, RecordBatch, StringArray},
    compute::filter_record_batch,
    datatypes::{DataType, Field, Float32Type, Schema, SchemaRef},
    error::ArrowError,
};
use std::sync::Arc;

/// A column that the library does not have, with a value for each of its rows.
#[derive(Debug, Clone)]
pub struct Extra {
    /// Name, type, and whether it may be null.
    pub field: Field,
    /// As many values as the library has rows.
    pub values: ArrayRef,
}

/// What is taken out of a library.
pub(super) struct Flat<'a> {
    pub(super) library: &'a Library,
    pub(super) columns: &'a [ExportColumn],
    pub(super) extra: &'a [Extra],
    /// Silent songs are left out.
    pub(super) audible: bool,
}

impl<'a> Flat<'a> {
    /// The schema of every batch.
    pub(super) fn schema(&self) -> Result<SchemaRef, ExportError> {
        let embedding = self.library.embedding_length()?;
        let field = |column: &ExportColumn| match column {
            ExportColumn::Of(column) => Field::new(
                column.name(),
                column.data_type(embedding),
                column.is_nullable(),
            ),
            ExportColumn::Strongest => Field::new(column.name(), DataType::Utf8, true),
            ExportColumn::Percentage(_) => Field::new(column.name(), DataType::Float32, false),
        };
        let mut fields: Vec<Field> = self.columns.iter().map(field).collect();
        fields.extend(self.extra.iter().map(|extra| extra.field.clone()));
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The columns of the library that are read.
    pub(super) fn sources(&self) -> Vec<Column> {
        let mut sources: Vec<Column> = Vec::new();
        let wanted = self.columns.iter().flat_map(|column| column.sources());
        for column in wanted.chain([&Column::Silent]) {
            if !sources.contains(column) {
                sources.push(*column);
            }
        }
        sources
    }

    /// Number of rows that the batches have together.
    pub(super) fn rows(&self) -> Result<u64, ExportError> {
        if !self.audible {
            return Ok(self.library.rows());
        }
        let mut rows = 0;
        for song in self.library.songs(Columns::of(&[Column::Silent])) {
            rows += u64::from(!song?.silent);
        }
        Ok(rows)
    }

    /// The rows, some thousand at a time. `sources`: what [`sources`](Self::sources) gives.
    pub(super) fn batches(
        &'a self,
        sources: &'a [Column],
        schema: SchemaRef,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ExportError>> + 'a, ExportError> {
        let mut next_row = 0;
        Ok(self.library.table(sources).map(move |batch| {
            let batch = batch?;
            let first_row = next_row;
            next_row += batch.num_rows();
            self.flatten(&batch, first_row, &schema)
                .map_err(|error| ExportError::Encode {
                    path: self.library.name().into(),
                    format: "a table",
                    source: error.into(),
                })
        }))
    }

    fn flatten(
        &self,
        batch: &RecordBatch,
        first_row: usize,
        schema: &SchemaRef,
    ) -> Result<RecordBatch, ArrowError> {
        let silent = silent(batch);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for column in self.columns {
            arrays.push(match column {
                ExportColumn::Of(column) => named(batch, *column)?.clone(),
                ExportColumn::Strongest => Arc::new(strongest(batch, &silent)?),
                ExportColumn::Percentage(emotion) => Arc::new(percentage(batch, *emotion)?),
            });
        }
        for extra in self.extra {
            if extra.values.len() < first_row + batch.num_rows() {
                return Err(ArrowError::InvalidArgumentError(format!(
                    "`{}` has {} values for {} rows",
                    extra.field.name(),
                    extra.values.len(),
                    self.library.rows()
                )));
            }
            arrays.push(extra.values.slice(first_row, batch.num_rows()));
        }
        let batch = RecordBatch::try_new(schema.clone(), arrays)?;
        if !self.audible {
            return Ok(batch);
        }
        let keep: BooleanArray = silent.into_iter().map(|silent| Some(!silent)).collect();
        filter_record_batch(&batch, &keep)
    }
}

fn named(batch: &RecordBatch, column: Column) -> Result<&ArrayRef, ArrowError> {
    batch
        .column_by_name(column.name())
        .ok_or_else(|| ArrowError::SchemaError(format!("no column `{}`", column.name())))
}

fn silent(batch: &RecordBatch) -> Vec<bool> {
    let silent = batch
        .column_by_name(Column::Silent.name())
        .and_then(|array| array.as_boolean_opt());
    (0..batch.num_rows())
        .map(|row| silent.is_some_and(|silent| silent.value(row)))
        .collect()
}

/// The percentages of a batch, eight numbers a row.
fn percentages(batch: &RecordBatch) -> Result<Float32Array, ArrowError> {
    let wrong = || ArrowError::SchemaError("the percentages are no lists of numbers".to_owned());
    let lists = named(batch, Column::Emotions)?
        .as_fixed_size_list_opt()
        .ok_or_else(wrong)?;
    let numbers = lists.values().as_primitive_opt::<Float32Type>();
    Ok(numbers.ok_or_else(wrong)?.clone())
}

fn percentage(batch: &RecordBatch, emotion: Emotion) -> Result<Float32Array, ArrowError> {
    let numbers = percentages(batch)?;
    let (vectors, _) = numbers.values().as_chunks::<{ Emotion::COUNT }>();
    Ok(vectors.iter().map(|v| v[emotion.index()]).collect())
}

fn strongest(batch: &RecordBatch, silent: &[bool]) -> Result<StringArray, ArrowError> {
    let numbers = percentages(batch)?;
    let (vectors, _) = numbers.values().as_chunks::<{ Emotion::COUNT }>();
    Ok(vectors
        .iter()
        .zip(silent)
        .map(|(vector, silent)| {
            let vector = EmotionVector::new(*vector).ok()?;
            (!silent).then(|| vector.strongest().name())
        })
        .collect())
}
