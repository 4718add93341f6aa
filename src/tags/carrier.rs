//! The tag of a file that takes our fields, and everything else that its tags hold.

use super::{
    fields::{AnyResult, Fields, Id3, encoded, options},
    unreadable,
};
use crate::{Error, ErrorKind, Result, audio::container, contain::catch_panic, error::Context};
use lofty::{
    aac::AacFile,
    config::{ParseOptions, ParsingMode},
    file::AudioFile,
    flac::FlacFile,
    iff::{aiff::AiffFile, wav::WavFile},
    mp4::Mp4File,
    mpeg::MpegFile,
    ogg::{OggPictureStorage, OpusFile, VorbisFile},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// All tags of a file.
pub(super) struct Carrier {
    /// The tag that takes our fields.
    pub(super) tag: Box<dyn Fields>,
    /// Other tags beside it, encoded: only to be compared.
    others: Vec<Vec<u8>>,
}

/// Runs code of the tag library, whose panics and errors become errors of the file `name`.
fn guarded<T>(name: &Path, message: &str, work: impl FnOnce() -> AnyResult<T>) -> Result<T> {
    let defect = "its tags trigger a defect of the tag library";
    let result = catch_panic(work).context_at(ErrorKind::Internal, name, defect)?;
    result.context_at(ErrorKind::Damaged, name, message)
}

impl Carrier {
    /// Reads the tags of `path`. `name` is the file that messages mention.
    pub(super) fn read(path: &Path, name: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| unreadable(name, e))?;
        let container = container(path).context_at(
            ErrorKind::Damaged,
            name,
            "its audio cannot be read, so the copy cannot be verified",
        )?;
        let damaged =
            "its tags are damaged or unusual and could get lost; repair them with a tag editor";
        guarded(name, damaged, || Self::of_container(container, file))?.ok_or_else(|| {
            let message = "a format without writable tags; tags can be written into MP3, AAC, MP4, FLAC, Ogg Vorbis, Opus, WAV and AIFF";
            Error::new(ErrorKind::Unsupported, message).with_path(name)
        })
    }

    fn of_container((container, codec): (&str, &str), file: File) -> AnyResult<Option<Self>> {
        // Tags that cannot be read completely would be lost in writing, so they are an error.
        let parse = ParseOptions::new()
            .read_properties(false)
            .implicit_conversions(false)
            .parsing_mode(ParsingMode::Strict);
        let mut others = Vec::new();
        let (mut file, id3v1) = WithoutId3v1::new(file)?;
        let tag: Box<dyn Fields> = match (container, codec) {
            ("mp1" | "mp2" | "mp3", _) => {
                others.push(id3v1);
                let file = MpegFile::read_from(&mut file, parse)?;
                others.push(encoded(file.ape(), options())?);
                Box::new(Id3::new(file.id3v2()))
            }
            ("aac", _) => {
                others.push(id3v1);
                let file = AacFile::read_from(&mut file, parse)?;
                Box::new(Id3::new(file.id3v2()))
            }
            ("wave", _) => {
                let file = WavFile::read_from(&mut file, parse)?;
                others.push(encoded(file.riff_info(), options())?);
                Box::new(Id3::new(file.id3v2()))
            }
            ("aiff", _) => {
                let file = AiffFile::read_from(&mut file, parse)?;
                others.push(encoded(file.text_chunks(), options())?);
                Box::new(Id3::new(file.id3v2()))
            }
            ("isomp4", _) => {
                let file = Mp4File::read_from(&mut file, parse)?;
                Box::new(file.ilst().cloned().unwrap_or_default())
            }
            ("flac", _) => {
                let file = FlacFile::read_from(&mut file, parse)?;
                others.push(encoded(file.id3v2(), options())?);
                let mut tag = file.vorbis_comments().cloned().unwrap_or_default();
                // FLAC stores pictures outside the comments; lofty writes both together.
                for (picture, information) in file.pictures() {
                    tag.insert_picture(picture.clone(), Some(*information))?;
                }
                Box::new(tag)
            }
            ("ogg", "vorbis") => {
                let file = VorbisFile::read_from(&mut file, parse)?;
                Box::new(file.vorbis_comments().clone())
            }
            ("ogg", "opus") => {
                let file = OpusFile::read_from(&mut file, parse)?;
                Box::new(file.vorbis_comments().clone())
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { tag, others }))
    }

    /// Whether two files' tags are the same apart from ours.
    pub(super) fn keeps(&self, other: &Self, name: &Path) -> Result<bool> {
        guarded(name, "its tags cannot be compared", || {
            let same_rest = self.tag.rest()? == other.tag.rest()?;
            Ok(same_rest && self.others == other.others)
        })
    }

    /// Writes the tag into `path`.
    pub(super) fn save(&self, path: &Path, name: &Path) -> Result<()> {
        guarded(name, "the tags cannot be written", || {
            let mut file = OpenOptions::new().read(true).write(true).open(path)?;
            self.tag.save(&mut file)
        })
    }
}

/// Bytes of an ID3v1 tag, the last of a file.
const ID3V1: u64 = 128;

/// A file without its ID3v1 tag, which is never written. Its years and genres often violate the standard, and strict parsing would
/// reject the whole file.
struct WithoutId3v1 {
    file: BufReader<File>,
    length: u64,
}

impl WithoutId3v1 {
    /// The file, and the bytes of the tag, empty where there is none.
    fn new(mut file: File) -> io::Result<(Self, Vec<u8>)> {
        let mut length = file.metadata()?.len();
        let mut tag = Vec::new();
        if length >= ID3V1 {
            file.seek(SeekFrom::Start(length - ID3V1))?;
            file.by_ref().take(ID3V1).read_to_end(&mut tag)?;
        }
        if tag.starts_with(b"TAG") {
            length -= ID3V1;
        } else {
            tag.clear();
        }
        file.rewind()?;
        let file = BufReader::new(file);
        Ok((Self { file, length }, tag))
    }
}

impl Read for WithoutId3v1 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.file.stream_position()?);
        self.file.by_ref().take(left).read(buffer)
    }
}

impl Seek for WithoutId3v1 {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::End(offset) => {
                let at = self.length.checked_add_signed(offset);
                SeekFrom::Start(at.ok_or(io::ErrorKind::InvalidInput)?)
            }
            other => other,
        };
        self.file.seek(to)
    }
}
