//! Boxes around the faces of a picture.

use crate::{atomic_file, error::Result, face::Face};
use image::{DynamicImage, ImageOutputFormat, Rgb};
use std::{
    io::{self, Cursor, Write},
    path::Path,
};

const COLOR: Rgb<u8> = Rgb([255, 64, 0]);

/// Writes a picture with a frame around each face, as PNG.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn draw_boxes(path: &Path, picture: DynamicImage, faces: &[Face]) -> Result<()> {
    let mut picture = picture.into_rgb8();
    let thickness = (picture.width().max(picture.height()) / 300).max(2);
    for face in faces {
        let [left, top, width, height] = face.region;
        for y in top..top + height {
            for x in left..left + width {
                let to_edge = (x - left)
                    .min(left + width - 1 - x)
                    .min(y - top)
                    .min(top + height - 1 - y);
                if to_edge < thickness {
                    picture.put_pixel(x, y, COLOR);
                }
            }
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    let encoded = DynamicImage::from(picture).write_to(&mut bytes, ImageOutputFormat::Png);
    atomic_file::write(path, |file| {
        encoded.map_err(io::Error::other)?;
        file.write_all(bytes.get_ref())
    })
}
