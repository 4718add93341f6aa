//! Questions with a music file that is not in the library.

use crate::{
    analysis::{AnalyzeOptions, analyze_file},
    contain::catch_panic,
    error::{Context, Error, ErrorKind, Result},
    library::{Library, Song},
    model::Model,
    scan::{content_hash, library_info},
    search::silent,
};
use std::path::Path;

/// Analyzes a file like the songs of the library.
///
/// # Errors
/// Where the library was made by another model or with other settings, and where the file cannot be analyzed or is silent.
pub(crate) fn analyze_outside(library: &Library, song: &Path, model: &Model) -> Result<Song> {
    let theirs = library.info();
    let other = |difference: String| {
        Error::invalid(format!(
            "is not in {}, and cannot be compared with it: {difference}; re-analyze the music, or give the library's own model \
             with --model",
            library.name()
        ))
        .with_path(song)
    };
    let parse = |text: &str| {
        let excerpt = text.parse();
        excerpt.map_err(|_| other(format!("its songs were analyzed as excerpts of {text:?}")))
    };
    let excerpt = theirs.excerpt().map(parse).transpose()?;
    let options = AnalyzeOptions {
        excerpt,
        ..AnalyzeOptions::default()
    };
    let ours = library_info(model, &options);
    if !ours.is_comparable(theirs) {
        let (ours, theirs) = (&ours.model, &theirs.model);
        return Err(other(if ours.identity == theirs.identity {
            "its songs were analyzed with other preprocessing".to_owned()
        } else {
            format!(
                "its songs were analyzed by model {} ({:.12}), the file would be by model {} ({:.12})",
                theirs.name, theirs.identity, ours.name, ours.identity
            )
        }));
    }
    let analysis = catch_panic(|| analyze_file(song, model, &options)).context_at(
        ErrorKind::Internal,
        song,
        "cannot be analyzed",
    )??;
    if analysis.silent {
        return Err(silent(song));
    }
    let hash = content_hash(song).context_at(ErrorKind::Io, song, "cannot read the file")?;
    Ok(Song {
        path: song.to_owned(),
        emotions: analysis.prediction.emotions,
        felt: analysis.prediction.felt,
        embedding: analysis.prediction.embedding,
        content_hash: Some(hash),
        ..Song::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{LibraryInfo, LibraryWriter, ModelStamp, test_songs::a_song};

    #[test]
    fn a_file_is_analyzed_by_the_librarys_model_with_its_settings_only() {
        let model = Model::shipped().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = |info: &LibraryInfo| {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("library.parquet");
            let mut writer = LibraryWriter::create(&path, info, 4).unwrap();
            writer.push(a_song(1)).unwrap();
            writer.finish().unwrap();
            let library = Library::open(&path).unwrap();
            format!(
                "{:#}",
                analyze_outside(&library, file.path(), &model).unwrap_err()
            )
        };
        let stamp = ModelStamp {
            identity: "ab".repeat(32),
            name: "other".to_owned(),
        };
        let other = message(&LibraryInfo::new(stamp, serde_json::json!({})));
        assert!(other.contains("by model other (abababababab)"), "{other}");
        assert!(other.contains("--model"), "{other}");
        let mut info = library_info(&model, &AnalyzeOptions::default());
        // With the right model, the only fault is that the file is empty.
        assert!(!message(&info).contains("compared"));
        info.set_excerpt("5s");
        assert!(!message(&info).contains("compared"));
        info.set_excerpt("a part");
        assert!(message(&info).contains("excerpts of \"a part\""));
        info.preprocessing = serde_json::json!({});
        assert!(message(&info).contains("other preprocessing"));
    }
}
