//! The tag of a file that takes our fields, and everything else that its tags hold.

use super::{
    fields::{Fields, Id3, MoodFields},
    unreadable,
};
use crate::{Error, ErrorKind, Result, audio::container, contain::catch_panic, error::Context};
use lofty::{
    aac::AacFile,
    config::{ParseOptions, ParsingMode, WriteOptions},
    file::AudioFile,
    flac::FlacFile,
    iff::{aiff::AiffFile, wav::WavFile},
    mp4::{Ilst, Mp4File},
    mpeg::MpegFile,
    ogg::{OggPictureStorage, OpusFile, VorbisFile, tag::VorbisComments},
    tag::TagExt,
};
use std::{
    error::Error as StdError,
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// The tag that takes our fields.
enum Kind {
    Id3v2(Id3),
    Vorbis(VorbisComments),
    Ilst(Ilst),
}

/// All tags of a file.
pub(super) struct Carrier {
    kind: Kind,
    /// Other tags beside it, encoded: only to be compared.
    others: Vec<Vec<u8>>,
    options: WriteOptions,
}

type AnyResult<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

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
        let mut options = WriteOptions::new().lossy_text_encoding(false);
        let mut others = Vec::new();
        let (mut file, id3v1) = WithoutId3v1::new(file)?;
        let kind = match (container, codec) {
            ("mp1" | "mp2" | "mp3", _) => {
                others.push(id3v1);
                let file = MpegFile::read_from(&mut file, parse)?;
                others.push(encoded(file.ape(), options)?);
                Kind::Id3v2(Id3::new(file.id3v2()))
            }
            ("aac", _) => {
                others.push(id3v1);
                let file = AacFile::read_from(&mut file, parse)?;
                Kind::Id3v2(Id3::new(file.id3v2()))
            }
            ("wave", _) => {
                let file = WavFile::read_from(&mut file, parse)?;
                others.push(encoded(file.riff_info(), options)?);
                Kind::Id3v2(Id3::new(file.id3v2()))
            }
            ("aiff", _) => {
                let file = AiffFile::read_from(&mut file, parse)?;
                others.push(encoded(file.text_chunks(), options)?);
                Kind::Id3v2(Id3::new(file.id3v2()))
            }
            ("isomp4", _) => {
                let file = Mp4File::read_from(&mut file, parse)?;
                Kind::Ilst(file.ilst().cloned().unwrap_or_default())
            }
            ("flac", _) => {
                let file = FlacFile::read_from(&mut file, parse)?;
                others.push(encoded(file.id3v2(), options)?);
                let mut tag = file.vorbis_comments().cloned().unwrap_or_default();
                // FLAC stores pictures outside the comments; lofty writes both together.
                for (picture, information) in file.pictures() {
                    tag.insert_picture(picture.clone(), Some(*information))?;
                }
                Kind::Vorbis(tag)
            }
            ("ogg", "vorbis") => {
                let file = VorbisFile::read_from(&mut file, parse)?;
                Kind::Vorbis(file.vorbis_comments().clone())
            }
            ("ogg", "opus") => {
                let file = OpusFile::read_from(&mut file, parse)?;
                Kind::Vorbis(file.vorbis_comments().clone())
            }
            _ => return Ok(None),
        };
        if let Kind::Id3v2(tag) = &kind {
            options = options.use_id3v23(tag.is_v3);
        }
        Ok(Some(Self {
            kind,
            others,
            options,
        }))
    }

    fn fields(&self) -> &dyn Fields {
        match &self.kind {
            Kind::Id3v2(tag) => tag,
            Kind::Vorbis(tag) => tag,
            Kind::Ilst(tag) => tag,
        }
    }

    /// The values of the mood, as players show them.
    pub(super) fn mood(&self) -> Vec<String> {
        self.fields().mood()
    }

    /// Whether it has exactly these fields; with `None`, none of ours.
    pub(super) fn is_as(&self, wanted: Option<&MoodFields>) -> bool {
        self.fields().is_as(wanted)
    }

    /// Replaces our fields; with `None`, removes them.
    pub(super) fn set(&mut self, wanted: Option<&MoodFields>) {
        match &mut self.kind {
            Kind::Id3v2(tag) => tag.set(wanted),
            Kind::Vorbis(tag) => tag.set(wanted),
            Kind::Ilst(tag) => tag.set(wanted),
        }
    }

    /// Everything that is not ours, encoded.
    fn rest(&self) -> AnyResult<Vec<Vec<u8>>> {
        let mut rest = self.others.clone();
        rest.push(match &self.kind {
            Kind::Id3v2(tag) => encoded(Some(&without_ours(tag).tag), self.options)?,
            Kind::Vorbis(tag) => {
                let mut tag = without_ours(tag);
                if tag.items().len() == 0 {
                    // lofty drops comments that hold nothing but the name of the encoder.
                    tag.set_vendor(String::new());
                }
                encoded(Some(&tag), self.options)?
            }
            Kind::Ilst(tag) => encoded(Some(&without_ours(tag)), self.options)?,
        });
        Ok(rest)
    }

    /// Whether two files' tags are the same apart from ours.
    pub(super) fn keeps(&self, other: &Self, name: &Path) -> Result<bool> {
        guarded(name, "its tags cannot be compared", || {
            Ok(self.rest()? == other.rest()?)
        })
    }

    /// Writes the tag into `path`.
    pub(super) fn save(&self, path: &Path, name: &Path) -> Result<()> {
        guarded(name, "the tags cannot be written", || {
            let mut file = OpenOptions::new().read(true).write(true).open(path)?;
            match &self.kind {
                Kind::Id3v2(tag) => tag.tag.save_to(&mut file, self.options)?,
                Kind::Vorbis(tag) => tag.save_to(&mut file, self.options)?,
                Kind::Ilst(tag) => tag.save_to(&mut file, self.options)?,
            }
            Ok(())
        })
    }
}

/// A tag as bytes, without padding: only to be compared.
fn encoded<T: TagExt>(tag: Option<&T>, options: WriteOptions) -> AnyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(tag) = tag {
        tag.dump_to(&mut bytes, options.preferred_padding(0))?;
    }
    Ok(bytes)
}

fn without_ours<T: Fields + Clone>(tag: &T) -> T {
    let mut tag = tag.clone();
    tag.remove();
    tag
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
