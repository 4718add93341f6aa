//! The library: one Parquet file with a row per song, and what its footer says of how it was made.
//!
//! [`Library`] reads one, [`Collection`] several as one, [`LibraryWriter`] writes one; [`SongRow`] is a row, [`LibraryInfo`] the footer.
//! DuckDB, pyarrow, Polars and pandas read the same file as it is.

mod batches;
mod brief;
mod collection;
#[cfg(test)]
mod collection_tests;
mod compact;
mod decode;
mod error;
mod fetch;
mod file;
mod groups;
mod names;
mod note;
mod plain;
mod reader;
mod row;
mod schema;
mod table;
#[cfg(test)]
pub(crate) mod test_rows;
#[cfg(test)]
mod tests;
mod writer;

pub use brief::SongBrief;
pub use collection::Collection;
pub use compact::{Compacted, compact};
pub use error::LibraryError;
pub(crate) use groups::Group;
pub use names::SongName;
pub use note::{Note, Sound};
pub use reader::{Library, Vectors};
pub use row::{FailedFile, FileStamp, Micros, SongRow};
pub use schema::{Column, FOOTER_KEY, FORMAT_VERSION, LibraryInfo, ModelStamp, schema};
pub use writer::{LibraryWriter, resolve_target};
