//! What a list of songs shows of each, read without the rest of its row.

use super::{
    Column, Library, LibraryError, Micros, Note, Sound, batches::Part, decode::Rows,
    row::exact_path,
};
use crate::emotion::EmotionVector;
use arrow::array::RecordBatch;
use std::path::{Path, PathBuf};

/// The part of a row that lists and summaries are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct SongBrief {
    /// Absolute path of the file; a name that is not UTF-8 has U+FFFD for what is not.
    pub path: String,
    /// The path's exact bytes where it is not UTF-8.
    pub path_bytes: Option<Vec<u8>>,
    /// From the file's tags.
    pub title: Option<String>,
    /// From the file's tags.
    pub artist: Option<String>,
    /// From the file's tags.
    pub album: Option<String>,
    /// From the file's tags.
    pub genre: Option<String>,
    /// Length of the decoded sound in seconds.
    pub duration_s: f64,
    /// 1 to 9.
    pub valence: f32,
    /// 1 to 9.
    pub arousal: f32,
    /// Eight percentages.
    pub emotions: EmotionVector,
    /// When the song was analysed.
    pub analyzed_at: Micros,
    /// What is special about how the song was heard, as [`Note::text`] says it.
    pub note: Option<String>,
}

impl SongBrief {
    /// Whether the song is silent, so that its numbers mean nothing.
    pub fn is_silent(&self) -> bool {
        self.note.as_deref().is_some_and(Note::says_silent)
    }
}

/// The tags stand last: a list that does not show them does not read them.
const COLUMNS: [Column; 12] = [
    Column::Path,
    Column::PathBytes,
    Column::DurationS,
    Column::Valence,
    Column::Arousal,
    Column::Emotions,
    Column::AnalyzedAt,
    Column::Note,
    Column::Title,
    Column::Artist,
    Column::Album,
    Column::Genre,
];

impl SongBrief {
    /// The columns that a brief is made of, without those of its tags where they are not wanted.
    pub(super) fn columns(tags: bool) -> &'static [Column] {
        if tags { &COLUMNS } else { &COLUMNS[..8] }
    }

    /// The row's path, as exact as the platform can say it. No file stands at that of a track of a CUE sheet.
    pub fn file(&self) -> PathBuf {
        exact_path(&self.path, self.path_bytes.as_deref())
    }

    /// Where the sound is found.
    pub fn sound(&self) -> Sound {
        Sound::of(&self.file(), self.note.as_deref())
    }
}

impl Library {
    /// Every song in brief, in the order of the rows; memory holds some thousand at a time.
    ///
    /// # Errors
    /// [`LibraryError::Read`]; each item also [`LibraryError::MissingValue`] and [`LibraryError::DamagedVector`].
    pub fn briefs(
        &self,
    ) -> Result<impl Iterator<Item = Result<Vec<SongBrief>, LibraryError>> + '_, LibraryError> {
        let batches = self.batches(&COLUMNS, Part::All)?;
        Ok(batches.map(|batch| {
            let (first_row, batch) = batch?;
            briefs(self.path(), first_row, &batch)
        }))
    }
}

pub(super) fn briefs(
    path: &Path,
    first_row: u64,
    batch: &RecordBatch,
) -> Result<Vec<SongBrief>, LibraryError> {
    let rows = Rows::new(path, first_row, batch);
    let brief = |row| {
        Ok(SongBrief {
            path: rows.required(Column::Path, row, Rows::text)?,
            path_bytes: rows.path_bytes(row).map(<[u8]>::to_vec),
            title: rows.text(Column::Title, row),
            artist: rows.text(Column::Artist, row),
            album: rows.text(Column::Album, row),
            genre: rows.text(Column::Genre, row),
            duration_s: rows.required(Column::DurationS, row, Rows::double)?,
            valence: rows.required(Column::Valence, row, Rows::float)?,
            arousal: rows.required(Column::Arousal, row, Rows::float)?,
            emotions: rows.check(row, &rows.list(Column::Emotions, row)?)?,
            analyzed_at: rows.required(Column::AnalyzedAt, row, Rows::time)?,
            note: rows.text(Column::Note, row),
        })
    };
    (0..batch.num_rows()).map(brief).collect()
}
