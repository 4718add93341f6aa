//! The tag of a file that takes our fields, and everything else that its tags hold.

use super::{
    TagError,
    fields::{self, Fields, MoodFields},
    id3::Id3,
};
use crate::{audio::container, contain::contain};
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
    error::Error,
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

type AnyError = Box<dyn Error + Send + Sync>;

/// Calls something for whatever the kind is.
macro_rules! of_kind {
    ($kind:expr, $tag:ident => $what:expr) => {
        match $kind {
            Kind::Id3v2($tag) => $what,
            Kind::Vorbis($tag) => $what,
            Kind::Ilst($tag) => $what,
        }
    };
}

impl Carrier {
    /// Reads the tags of `path`. `name` is the file that messages are about.
    pub(super) fn read(path: &Path, name: &Path) -> Result<Self, TagError> {
        let unreadable = |source| TagError::Unreadable {
            path: name.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let container = container(path).map_err(|source| TagError::Sound {
            path: name.to_owned(),
            source,
        })?;
        let read = contain(|| Self::of_container(container, file));
        match read {
            Ok(Ok(Some(carrier))) => Ok(carrier),
            Ok(Ok(None)) => Err(TagError::Unsupported {
                path: name.to_owned(),
                found: "a format without tags that can be written",
            }),
            Ok(Err(source)) => Err(TagError::Damaged {
                path: name.to_owned(),
                source,
            }),
            Err(source) => Err(TagError::Defect {
                path: name.to_owned(),
                source,
            }),
        }
    }

    fn of_container(
        (container, codec): (&str, &str),
        file: File,
    ) -> Result<Option<Self>, AnyError> {
        // Whatever cannot be read whole would be lost in writing: it is an error instead.
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
                // FLAC has its pictures beside the comments; they are written with them.
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

    /// The mood, as players see it.
    pub(super) fn mood(&self) -> Vec<String> {
        of_kind!(&self.kind, tag => tag.mood())
    }

    /// Whether there is anything of ours.
    pub(super) fn is_tagged(&self) -> bool {
        of_kind!(&self.kind, tag => !tag.ours().is_empty())
    }

    /// Whether it holds just these fields.
    pub(super) fn holds(&self, wanted: &MoodFields) -> bool {
        of_kind!(&self.kind, tag => fields::holds(tag, wanted))
    }

    /// Writes the fields in the place of older ones.
    pub(super) fn write(&mut self, wanted: &MoodFields) {
        of_kind!(&mut self.kind, tag => fields::write(tag, wanted));
    }

    /// Removes what was written.
    pub(super) fn remove(&mut self) {
        of_kind!(&mut self.kind, tag => fields::remove(tag));
    }

    /// Everything that is not ours, encoded.
    fn rest(&self) -> Result<Vec<Vec<u8>>, AnyError> {
        let mut rest = self.others.clone();
        rest.push(match &self.kind {
            Kind::Id3v2(tag) => encoded(Some(&without_ours(tag).tag), self.options)?,
            Kind::Vorbis(tag) => {
                let mut tag = without_ours(tag);
                if tag.items().len() == 0 {
                    // lofty leaves out comments that hold nothing but the name of the encoder.
                    tag.set_vendor(String::new());
                }
                encoded(Some(&tag), self.options)?
            }
            Kind::Ilst(tag) => encoded(Some(&without_ours(tag)), self.options)?,
        });
        Ok(rest)
    }

    /// Whether two files' tags are the same but for ours.
    pub(super) fn keeps(&self, other: &Self, name: &Path) -> Result<bool, TagError> {
        let both = contain(|| Ok((self.rest()?, other.rest()?)));
        let (ours, theirs) = self.encoded_well(both, name)?;
        Ok(ours == theirs)
    }

    /// Writes the tag into `path`.
    pub(super) fn save(&self, path: &Path, name: &Path) -> Result<(), TagError> {
        let saved = contain(|| -> Result<(), AnyError> {
            let mut file = OpenOptions::new().read(true).write(true).open(path)?;
            match &self.kind {
                Kind::Id3v2(tag) => tag.tag.save_to(&mut file, self.options)?,
                Kind::Vorbis(tag) => tag.save_to(&mut file, self.options)?,
                Kind::Ilst(tag) => tag.save_to(&mut file, self.options)?,
            }
            Ok(())
        });
        self.encoded_well(saved, name)
    }

    fn encoded_well<T>(
        &self,
        result: Result<Result<T, AnyError>, crate::contain::Panicked>,
        name: &Path,
    ) -> Result<T, TagError> {
        let path = name.to_owned();
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(TagError::Encode { path, source }),
            Err(source) => Err(TagError::Defect { path, source }),
        }
    }
}

/// A tag as bytes, without padding: only to be compared.
fn encoded<T: TagExt>(tag: Option<&T>, options: WriteOptions) -> Result<Vec<u8>, AnyError> {
    let mut bytes = Vec::new();
    if let Some(tag) = tag {
        tag.dump_to(&mut bytes, options.preferred_padding(0))?;
    }
    Ok(bytes)
}

fn without_ours<T: Fields + Clone>(tag: &T) -> T {
    let mut tag = tag.clone();
    fields::remove(&mut tag);
    tag
}

/// Bytes of an ID3v1 tag, which ends a file.
const ID3V1: u64 = 128;

/// A file without its ID3v1 tag. Nothing is ever written there, and what it says of years and genres is often against the rules,
/// which would make the whole file unreadable.
struct WithoutId3v1 {
    file: BufReader<File>,
    length: u64,
}

impl WithoutId3v1 {
    /// The file, and the bytes of the tag: none where it has none.
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
