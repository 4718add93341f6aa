//! Pictures: files to pixels, and regions of them to the input of the expression network.

use super::container::{MAX_SCANS, orientation, scans};
use crate::{Error, ErrorKind, Result, contain::catch_panic, error::Context as _};
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageResult,
    codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
    imageops::{self, FilterType},
    io::Limits,
};
use std::{
    fs::File,
    io::{Cursor, Read},
    path::Path,
};

/// Width and height of the network's input in pixels.
pub(crate) const SIDE: usize = 48;
/// Pixels of the network's input.
pub(crate) const PIXELS: usize = SIDE * SIDE;
/// Width and height that a picture may have.
const MAX_SIDE: u32 = 1 << 14;
/// Pixels that a picture may have, which bounds the memory that one takes.
const MAX_PIXELS: u64 = 1 << 26;
/// Bytes that a file may have.
pub(super) const MAX_BYTES: u64 = 1 << 28;

/// Reads a JPEG, PNG or WebP file, whatever its name ends in: gray or RGB, 8 bits, turned upright by its EXIF orientation. Of
/// an animation the first frame.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be read, [`ErrorKind::Unsupported`] if it is of another format or larger than any
/// camera's, [`ErrorKind::Damaged`] if it cannot be decoded.
pub(crate) fn read_picture(path: &Path) -> Result<DynamicImage> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    read.context_at(ErrorKind::Io, path, "cannot be read")?;
    if bytes.len() as u64 == MAX_BYTES {
        let message = "is larger than 256 MiB; expected a picture";
        return Err(Error::new(ErrorKind::Unsupported, message).with_path(path));
    }
    decode(&bytes).map_err(|error| error.with_path(path))
}

/// Reads a picture from the bytes of its file, as [`read_picture`] does.
///
/// # Errors
/// As [`read_picture`].
pub(crate) fn decode(bytes: &[u8]) -> Result<DynamicImage> {
    let picture = match decode_as_stored(bytes)? {
        gray @ (DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_)) => {
            DynamicImage::from(gray.into_luma8())
        }
        picture => DynamicImage::from(picture.into_rgb8()),
    };
    Ok(match orientation(bytes) {
        2 => picture.fliph(),
        3 => picture.rotate180(),
        4 => picture.flipv(),
        5 => picture.rotate90().fliph(),
        6 => picture.rotate90(),
        7 => picture.rotate270().fliph(),
        8 => picture.rotate270(),
        _ => picture,
    })
}

fn decode_as_stored(bytes: &[u8]) -> Result<DynamicImage> {
    let unsupported = |message: &str| Error::new(ErrorKind::Unsupported, message);
    let damaged = "the picture is damaged";
    // The decoders by name: the one for any format would link those of a dozen.
    let decoded = catch_panic(|| {
        let data = Cursor::new(bytes);
        match image::guess_format(bytes) {
            Ok(ImageFormat::Jpeg) if scans(bytes) > MAX_SCANS => {
                Err(unsupported("a JPEG file of more than 200 scans"))
            }
            Ok(ImageFormat::Jpeg) => from_decoder(JpegDecoder::new(data)),
            Ok(ImageFormat::Png) => from_decoder(PngDecoder::new(data)),
            Ok(ImageFormat::WebP) => from_decoder(WebPDecoder::new(data)),
            _ => Err(unsupported(
                "not a picture that can be read; expected JPEG, PNG or WebP",
            )),
        }
    });
    decoded.context(ErrorKind::Damaged, damaged)?
}

fn from_decoder<'a, D: ImageDecoder<'a>>(decoder: ImageResult<D>) -> Result<DynamicImage> {
    let damaged = "the picture is damaged";
    let mut decoder = decoder.context(ErrorKind::Damaged, damaged)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS || pixels == 0 {
        let message = format!(
            "a picture of {width} x {height} pixels; expected at most {MAX_SIDE} on a side and {MAX_PIXELS} in all"
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    decoder
        .set_limits(limits)
        .and_then(|()| DynamicImage::from_decoder(decoder))
        .context(ErrorKind::Damaged, damaged)
}

/// The network's input from a region of a picture, `[left, top, width, height]` in pixels: gray, scaled to
/// [`SIDE`] x [`SIDE`], row by row. A region that reaches over the picture's edge is cut there.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] if nothing of the region is in the picture.
pub(crate) fn face_pixels(
    picture: &GrayImage,
    [left, top, width, height]: [u32; 4],
) -> Result<Vec<u8>> {
    let (across, down) = picture.dimensions();
    if left >= across || top >= down || width == 0 || height == 0 {
        return Err(Error::invalid(format!(
            "the face at {left}, {top} of {width} x {height} pixels is outside the picture of {across} x {down}"
        )));
    }
    let (width, height) = (width.min(across - left), height.min(down - top));
    let region = imageops::crop_imm(picture, left, top, width, height).to_image();
    let side = SIDE as u32;
    if (width, height) == (side, side) {
        return Ok(region.into_raw());
    }
    // The filter widens where the region is larger, so that fine detail does not turn into noise.
    Ok(imageops::resize(&region, side, side, FilterType::Triangle).into_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageOutputFormat, Luma};

    fn encoded(format: ImageOutputFormat) -> Vec<u8> {
        let picture = GrayImage::from_fn(96, 48, |x, _| Luma([if x < 48 { 40 } else { 200 }]));
        let mut bytes = Vec::new();
        DynamicImage::from(picture)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    #[test]
    fn jpeg_and_png_become_the_same_gray_pixels() {
        for format in [ImageOutputFormat::Png, ImageOutputFormat::Jpeg(95)] {
            let gray = decode(&encoded(format)).unwrap().to_luma8();
            let left = face_pixels(&gray, [0, 0, 40, 48]).unwrap();
            let right = face_pixels(&gray, [56, 0, 400, 400]).unwrap();
            assert_eq!((left.len(), right.len()), (PIXELS, PIXELS));
            assert!(left.iter().all(|pixel| pixel.abs_diff(40) < 4));
            assert!(right.iter().all(|pixel| pixel.abs_diff(200) < 4));
        }
    }

    #[test]
    fn a_picture_cut_off_anywhere_is_an_error_or_a_picture_and_no_panic() {
        for format in [ImageOutputFormat::Png, ImageOutputFormat::Jpeg(80)] {
            let bytes = encoded(format);
            for length in 0..bytes.len() {
                if let Ok(picture) = decode(&bytes[..length]) {
                    assert_eq!((picture.width(), picture.height()), (96, 48));
                }
            }
        }
    }

    #[test]
    fn a_picture_of_any_kind_becomes_8_bits_and_upright() {
        let deep = image::ImageBuffer::from_fn(96, 48, |x, _| Luma([x as u16 * 600]));
        let deep = DynamicImage::ImageLuma16(deep);
        let mut png = Cursor::new(Vec::new());
        deep.write_to(&mut png, ImageOutputFormat::Png).unwrap();
        let mut png = png.into_inner();
        let found = decode(&png).unwrap();
        assert!(matches!(&found, DynamicImage::ImageLuma8(gray) if gray[(95, 0)].0[0] == 222));
        // Turned by a quarter to the right (6), the left edge is on top.
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let chunk = [b"eXIf", &exif[..]].concat();
        let length = (exif.len() as u32).to_be_bytes();
        let checksum = crc(&chunk).to_be_bytes();
        // After the signature and the header.
        png.splice(33..33, [&length[..], &chunk, &checksum].concat());
        let turned = decode(&png).unwrap().into_luma8();
        assert_eq!(turned.dimensions(), (48, 96));
        assert_eq!((turned[(0, 0)].0, turned[(0, 95)].0), ([0], [222]));
    }

    /// The checksum of a PNG chunk.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
            })
        })
    }

    #[test]
    fn a_jpeg_file_of_thousands_of_scans_is_refused() {
        let mut jpeg = encoded(ImageOutputFormat::Jpeg(90));
        let scan = jpeg.windows(2).position(|it| it == b"\xff\xda").unwrap();
        let scans = jpeg[scan..jpeg.len() - 2].repeat(MAX_SCANS);
        jpeg.splice(scan..scan, scans);
        let error = decode(&jpeg).unwrap_err();
        assert!(error.to_string().contains("200 scans"), "{error}");
    }

    #[test]
    fn a_region_outside_the_picture_is_an_error() {
        let gray = GrayImage::new(10, 10);
        for region in [[10, 0, 5, 5], [0, 10, 5, 5], [0, 0, 0, 5]] {
            let error = face_pixels(&gray, region).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn other_and_damaged_files_are_errors_of_their_kinds() {
        let kind = |bytes: &[u8]| decode(bytes).unwrap_err().kind();
        assert_eq!(kind(b"fLaC and no picture"), ErrorKind::Unsupported);
        assert_eq!(kind(b""), ErrorKind::Unsupported);
        let png = encoded(ImageOutputFormat::Png);
        assert_eq!(kind(&png[..png.len() / 2]), ErrorKind::Damaged);
        // a header that claims a picture of four gigapixels
        let mut huge = png.clone();
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert!(matches!(
            kind(&huge),
            ErrorKind::Unsupported | ErrorKind::Damaged
        ));
    }
}
