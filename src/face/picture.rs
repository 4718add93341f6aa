//! Pictures: files to pixels, and regions of them to the input of the expression network.

use crate::{Error, ErrorKind, Result, contain::catch_panic, error::Context as _};
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageResult,
    codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
    imageops::{self, FilterType},
    io::Limits,
};
use std::{fs, io::Cursor, path::Path};

/// Width and height of the network's input in pixels.
pub(crate) const SIDE: usize = 48;
/// Pixels of the network's input.
pub(crate) const PIXELS: usize = SIDE * SIDE;
/// Width and height that a picture may have.
const MAX_SIDE: u32 = 1 << 14;
/// Pixels that a picture may have, which bounds the memory that one takes.
const MAX_PIXELS: u64 = 1 << 26;

/// Reads a JPEG, PNG or WebP file, whatever its name ends in.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be read, [`ErrorKind::Unsupported`] if it is of another format or larger than any
/// camera's, [`ErrorKind::Damaged`] if it cannot be decoded.
pub(crate) fn read_picture(path: &Path) -> Result<DynamicImage> {
    let bytes = fs::read(path).context_at(ErrorKind::Io, path, "cannot be read")?;
    decode(&bytes).map_err(|error| error.with_path(path))
}

fn decode(bytes: &[u8]) -> Result<DynamicImage> {
    let unsupported = |message: &str| Error::new(ErrorKind::Unsupported, message);
    let damaged = "the picture is damaged";
    // The decoders by name: the one for any format would link those of a dozen.
    let decoded = catch_panic(|| {
        let data = Cursor::new(bytes);
        match image::guess_format(bytes) {
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
