//! The parts of picture files that are read before their pixels: JPEG's segments, and the orientation in EXIF.

/// Scans that a JPEG file may have. Progressive ones have ten or so; a small file of thousands would decode for hours.
pub(super) const MAX_SCANS: usize = 200;

/// The end of a JPEG file.
const END: u8 = 0xd9;
/// The start of a scan.
pub(super) const SCAN: u8 = 0xda;
/// The segment of EXIF.
const APP1: u8 = 0xe1;

/// Goes through the segments of a JPEG file, from behind its first marker.
pub(super) struct Segments {
    /// Where to go on.
    at: usize,
}

impl Segments {
    pub(super) fn new() -> Self {
        Self { at: 2 }
    }

    /// The next marker and the bytes of its segment; `None` where they are not complete yet.
    pub(super) fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<(u8, &'a [u8])> {
        // Before a marker there may be a scan, in which 0xff is followed by 0 or the number of a restart.
        loop {
            let rest = bytes.get(self.at..)?;
            match rest.iter().position(|byte| *byte == 0xff) {
                Some(skipped) => self.at += skipped,
                None => {
                    self.at = bytes.len();
                    return None;
                }
            }
            match *bytes.get(self.at + 1)? {
                0 | 0xd0..=0xd7 => self.at += 2,
                0xff => self.at += 1,
                _ => break,
            }
        }
        let marker = bytes[self.at + 1];
        let start = self.at + 2;
        if matches!(marker, 0x01 | 0xd8 | END) {
            self.at = start;
            return Some((marker, &[]));
        }
        let length = bytes.get(start..start + 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
        let segment = bytes.get(start + 2..start + length)?;
        self.at = start + length;
        Some((marker, segment))
    }

    /// The length of the JPEG file at the start of `bytes`; `None` where it is not complete yet.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some((marker, _)) = self.next(bytes) {
            if marker == END {
                return Some(self.at);
            }
        }
        None
    }
}

/// The scans of a JPEG file.
pub(super) fn scans(bytes: &[u8]) -> usize {
    let mut segments = Segments::new();
    let markers = std::iter::from_fn(|| segments.next(bytes));
    markers.filter(|(marker, _)| *marker == SCAN).count()
}

/// The orientation in a file's EXIF, 1 (upright) to 8; 1 where it tells none.
pub(super) fn orientation(bytes: &[u8]) -> u8 {
    let exif = match bytes {
        [0xff, 0xd8, ..] => exif_of_jpeg(bytes),
        [0x89, b'P', b'N', b'G', ..] => exif_of_png(bytes),
        [b'R', b'I', b'F', b'F', ..] => exif_of_webp(bytes),
        _ => None,
    };
    let orientation = exif.and_then(orientation_of_exif);
    orientation.filter(|it| (1..=8).contains(it)).unwrap_or(1)
}

fn exif_of_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let mut segments = Segments::new();
    while let Some((marker, segment)) = segments.next(bytes) {
        match segment.strip_prefix(b"Exif\0\0") {
            Some(exif) if marker == APP1 => return Some(exif),
            _ if marker == SCAN => return None,
            _ => {}
        }
    }
    None
}

fn exif_of_png(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if name == b"eXIf" {
            return after.get(..length);
        }
        // The checksum follows.
        rest = after.get(length.checked_add(4)?..)?;
    }
}

fn exif_of_webp(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(12..)?;
    loop {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        if name == b"EXIF" {
            let exif = after.get(..length)?;
            return Some(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
        }
        rest = after.get(length.checked_next_multiple_of(2)?..)?;
    }
}

/// The orientation in the first directory of a TIFF structure.
fn orientation_of_exif(tiff: &[u8]) -> Option<u8> {
    const ORIENTATION: u16 = 0x0112;
    let is_little = tiff.starts_with(b"II");
    let short = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match is_little {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        })
    };
    let (first, second) = (usize::from(short(4)?), usize::from(short(6)?));
    let directory = match is_little {
        true => (second << 16) | first,
        false => (first << 16) | second,
    };
    for entry in 0..usize::from(short(directory)?) {
        let at = directory + 2 + 12 * entry;
        if short(at)? == ORIENTATION {
            return u8::try_from(short(at + 8)?).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The EXIF of a camera, with the orientation as its second entry.
    fn exif(orientation: u8, is_little: bool) -> Vec<u8> {
        let short = |number: u16| match is_little {
            true => number.to_le_bytes(),
            false => number.to_be_bytes(),
        };
        let long = |number: u32| match is_little {
            true => number.to_le_bytes(),
            false => number.to_be_bytes(),
        };
        let mut bytes = if is_little { b"II" } else { b"MM" }.to_vec();
        bytes.extend(short(42));
        bytes.extend(long(8));
        bytes.extend(short(2));
        for (tag, value) in [(0x0100, 9), (0x0112, orientation)] {
            bytes.extend(short(tag));
            bytes.extend(short(3));
            bytes.extend(long(1));
            bytes.extend(short(value.into()));
            bytes.extend([0, 0]);
        }
        bytes.extend(long(0));
        bytes
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], &length[..], content].concat()
    }

    fn jpeg(exif: &[u8]) -> Vec<u8> {
        let app1 = segment(APP1, &[b"Exif\0\0", exif].concat());
        let scan = segment(SCAN, b"scan");
        let data = b"\x12\xff\x00\xff\xd3\x34";
        [b"\xff\xd8", &app1[..], &scan, data, b"\xff\xd9"].concat()
    }

    #[test]
    fn the_orientation_is_read_from_jpeg_png_and_webp() {
        for is_little in [true, false] {
            let exif = exif(6, is_little);
            assert_eq!(orientation(&jpeg(&exif)), 6);
            let length = (exif.len() as u32).to_be_bytes();
            let png = [
                b"\x89PNG\r\n\x1a\n\0\0\0\x01IHDR.crc.",
                &length[..],
                b"eXIf",
                &exif,
                b"crc.",
            ];
            assert_eq!(orientation(&png.concat()), 6);
            let length = (exif.len() as u32).to_le_bytes();
            let webp = [b"RIFF....WEBPVP8 \x01\0\0\0.\0EXIF", &length[..], &exif];
            assert_eq!(orientation(&webp.concat()), 6);
        }
    }

    #[test]
    fn a_file_without_or_with_broken_exif_is_upright() {
        let whole = jpeg(&exif(8, true));
        for length in 0..whole.len() {
            assert!(matches!(orientation(&whole[..length]), 1 | 8));
        }
        for exif in [
            exif(0, true),
            exif(9, false),
            b"II*\0\xff\xff\xff\xff".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(orientation(&jpeg(&exif)), 1);
        }
        assert_eq!(orientation(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"), 1);
        assert_eq!(orientation(b"RIFF....WEBPVP8 \xff\xff\xff\xff"), 1);
        assert_eq!(orientation(b""), 1);
    }

    #[test]
    fn the_end_of_a_jpeg_file_is_found_when_it_is_there() {
        // The thumbnail in the EXIF has an end of its own.
        let whole = jpeg(b"\xff\xd8 thumbnail \xff\xd9");
        let mut segments = Segments::new();
        for length in 2..whole.len() {
            assert_eq!(segments.end(&whole[..length]), None, "{length}");
        }
        let more = [&whole[..], &whole].concat();
        assert_eq!(segments.end(&more), Some(whole.len()));
        assert_eq!(Segments::new().end(&more), Some(whole.len()));
        assert_eq!(scans(&whole), 1);
    }
}
