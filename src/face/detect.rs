//! The faces in a picture: where they are, and which expressions they show.

use super::{FaceModel, face_pixels};
use crate::{
    Error, ErrorKind, Result, contain::catch_panic, emotion::Expression, error::Context as _,
};
use image::{
    DynamicImage, GrayImage,
    imageops::{self, FilterType},
};
use rustface::{Detector, ImageData};
use std::cmp::Reverse;

/// The cascade of SeetaFace, which comes with rustface (BSD-2-Clause; the license is beside it).
const CASCADE: &[u8] = include_bytes!("../../models/seeta_fd_frontal_v1.0.bin");
/// Width of the smallest face that the cascade finds, in pixels.
const WINDOW: f64 = 40.0;
/// Least score of a face. Single false positives have about 1, faces that are found at several sizes 10 and more.
const LEAST_SCORE: f64 = 2.8;
/// Width of the network's input as a multiple of the detected box, about the same center: the faces of FER+ are detected in
/// boxes of about 0.9 of their pictures' width (the median, `tests/reference/face_detector.py`).
const MARGIN: f64 = 1.11;

/// A face in a picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Face {
    /// Left, top, width and height, in pixels of the upright picture.
    pub region: [u32; 4],
    /// How sure the detector is; faces have 3 and more.
    pub score: f64,
    /// The probability of each expression in the order of [`Expression::ALL`], sum 1.
    pub expressions: [f32; Expression::COUNT],
}

/// The first of two expressions against the second: 1 where a face shows only the first, 0 where only the second, as the
/// softmax over the two alone.
pub(crate) fn mood_score(
    expressions: &[f32; Expression::COUNT],
    [first, second]: [Expression; 2],
) -> f32 {
    let [first, second] = [first, second].map(|expression| expressions[expression.index()]);
    match first + second {
        0.0 => 0.5,
        sum => first / sum,
    }
}

/// Finds faces in pictures and recognizes their expressions.
pub(crate) struct FaceReader {
    detector: Box<dyn Detector>,
    network: FaceModel,
    /// Width that pictures are scaled to in search of faces, or height if that is longer.
    side: f64,
}

impl FaceReader {
    /// Width of the smallest face that is found by default, as a share of the picture's longer side.
    pub(crate) const SMALLEST: f64 = 0.125;

    /// A reader with an expression network, for faces from `smallest` on: the share of the picture's longer side that a face
    /// takes, above 0. Half of it takes four times as long.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the cascade in this program cannot be read.
    pub(crate) fn new(network: FaceModel, smallest: f64) -> Result<Self> {
        let unreadable = "cannot read the face detector inside this program";
        let cascade = rustface::read_model(CASCADE).context(ErrorKind::Internal, unreadable)?;
        let mut detector = rustface::create_detector_with_model(cascade);
        detector.set_score_thresh(LEAST_SCORE);
        Ok(Self {
            detector,
            network,
            side: WINDOW / smallest,
        })
    }

    /// The faces in a picture, largest first.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] if the network fails, [`ErrorKind::Internal`] if the detector does.
    pub(crate) fn faces(&mut self, picture: &DynamicImage) -> Result<Vec<Face>> {
        let gray = picture.to_luma8();
        let mut faces = Vec::new();
        for (region, score) in self.regions(&gray)? {
            let Some(expressions) = self.expressions(&gray, region)? else {
                continue;
            };
            faces.push(Face {
                region: clipped(region, gray.dimensions()),
                score,
                expressions,
            });
        }
        faces.sort_by_key(|face| Reverse(face.region[2] * face.region[3]));
        Ok(faces)
    }

    /// Left, top and side of the square around each face in pixels, which may reach over the edge, and its score.
    fn regions(&mut self, gray: &GrayImage) -> Result<Vec<([f64; 3], f64)>> {
        let (width, height) = gray.dimensions();
        let scale = self.side / f64::from(width.max(height));
        let scaled = |length: u32| (f64::from(length) * scale).round() as u32;
        let (across, down) = (scaled(width), scaled(height));
        if f64::from(across.min(down)) < WINDOW {
            return Ok(Vec::new());
        }
        let small = match scale < 1.0 {
            true => imageops::thumbnail(gray, across, down),
            false => imageops::resize(gray, across, down, FilterType::Triangle),
        };
        let image = ImageData::new(&small, across, down);
        let found = catch_panic(|| self.detector.detect(&image));
        let found = found.map_err(Error::from)?;
        let unscaled = |length: f64| length / scale;
        Ok(found
            .iter()
            .map(|face| {
                let region = face.bbox();
                let region = [region.x().into(), region.y().into(), region.width().into()];
                (region.map(unscaled), face.score())
            })
            .collect())
    }

    /// The expressions of a face; `None` where nothing of it is in the picture.
    fn expressions(
        &self,
        gray: &GrayImage,
        region: [f64; 3],
    ) -> Result<Option<[f32; Expression::COUNT]>> {
        let Some(region) = with_margin(region, gray.dimensions()) else {
            return Ok(None);
        };
        let pixels = face_pixels(gray, region)?;
        self.network.predict(&pixels).map(Some)
    }
}

/// The part of a square (left, top, side) that is in a picture of this size.
fn clipped([left, top, side]: [f64; 3], (width, height): (u32, u32)) -> [u32; 4] {
    let clip = |start: f64, length: u32| {
        let limit = |at: f64| at.round().clamp(0.0, length.into()) as u32;
        (limit(start), limit(start + side) - limit(start))
    };
    let ((left, width), (top, height)) = (clip(left, width), clip(top, height));
    [left, top, width, height]
}

/// The square that the network sees of a face: with its margin, moved into the picture where it reaches over the edge. `None`
/// where the face itself is outside.
fn with_margin(region: [f64; 3], (width, height): (u32, u32)) -> Option<[u32; 4]> {
    let [_, _, inside, down] = clipped(region, (width, height));
    if inside == 0 || down == 0 {
        return None;
    }
    let [left, top, side] = region;
    let margin = side * (MARGIN - 1.0) / 2.0;
    let side = ((side * MARGIN).round() as u32).clamp(1, width.min(height));
    let start = |at: f64, length: u32| {
        let latest = f64::from(length - side);
        (at - margin).round().clamp(0.0, latest) as u32
    };
    Some([start(left, width), start(top, height), side, side])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTRAIT: &[u8] = include_bytes!("../../tests/fixtures/faces/portrait.jpg");

    fn reader() -> FaceReader {
        FaceReader::new(FaceModel::shipped().unwrap(), FaceReader::SMALLEST).unwrap()
    }

    fn portrait() -> DynamicImage {
        crate::face::decode(PORTRAIT).unwrap()
    }

    #[test]
    fn a_smiling_face_is_found_and_happy_at_any_size_and_place() {
        let mut reader = reader();
        let portrait = portrait();
        let (width, height) = (portrait.width(), portrait.height());
        for factor in [1, 2, 5] {
            let (across, down) = (width * factor, height * factor);
            let picture = portrait.resize_exact(across, down, FilterType::Triangle);
            let faces = reader.faces(&picture).unwrap();
            assert_eq!(faces.len(), 1, "{factor}: {faces:?}");
            let face = &faces[0];
            // By eye, from the hairline to the chin.
            let expected = [64.0, 67.0, 96.0, 96.0];
            for (found, expected) in face.region.iter().zip(expected) {
                let found = f64::from(*found) / f64::from(factor);
                assert!((found - expected).abs() < 12.0, "{:?}", face.region);
            }
            let happiness = face.expressions[Expression::Happiness.index()];
            assert!(happiness > 0.5, "{:?}", face.expressions);
            let pair = [Expression::Happiness, Expression::Sadness];
            assert!(mood_score(&face.expressions, pair) > 0.8);
            let sum: f32 = face.expressions.iter().sum();
            assert!((sum - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn faces_come_largest_first() {
        let portrait = portrait().to_rgb8();
        let (width, height) = portrait.dimensions();
        let mut picture = image::RgbImage::new(2 * width, height);
        let small = imageops::resize(
            &portrait,
            width * 2 / 3,
            height * 2 / 3,
            FilterType::Triangle,
        );
        imageops::replace(&mut picture, &small, 0, 0);
        imageops::replace(&mut picture, &portrait, width.into(), 0);
        let faces = reader().faces(&picture.into()).unwrap();
        assert_eq!(faces.len(), 2, "{faces:?}");
        assert!(faces[0].region[0] > width && faces[1].region[0] < width);
    }

    #[test]
    fn no_face_is_found_where_there_is_none() {
        let mut reader = reader();
        for (width, height) in [(1, 1), (1, 5000), (39, 39), (640, 480)] {
            let picture = GrayImage::from_fn(width, height, |x, y| {
                image::Luma([(x * 7 + y * 13 + x * y / 50) as u8])
            });
            assert_eq!(
                reader.faces(&picture.into()).unwrap(),
                [],
                "{width} x {height}"
            );
        }
    }

    #[test]
    fn boxes_are_clipped_and_the_networks_square_is_moved_into_the_picture() {
        assert_eq!(clipped([-10.0, 20.4, 50.0], (100, 60)), [0, 20, 40, 40]);
        assert_eq!(clipped([120.0, 0.0, 50.0], (100, 60)), [100, 0, 0, 50]);
        assert_eq!(with_margin([120.0, 0.0, 50.0], (100, 60)), None);
        assert_eq!(
            with_margin([40.0, 40.0, 200.0], (300, 300)),
            Some([29, 29, 222, 222])
        );
        assert_eq!(
            with_margin([-10.0, 30.0, 50.0], (100, 60)),
            Some([0, 4, 56, 56])
        );
        assert_eq!(
            with_margin([10.0, 10.0, 400.0], (300, 200)),
            Some([0, 0, 200, 200])
        );
    }

    #[test]
    fn the_mood_score_weighs_two_expressions_against_each_other() {
        let mut expressions = [0.0; Expression::COUNT];
        let pair = [Expression::Happiness, Expression::Sadness];
        assert_eq!(mood_score(&expressions, pair), 0.5);
        expressions[Expression::Neutral.index()] = 0.6;
        expressions[Expression::Happiness.index()] = 0.3;
        expressions[Expression::Sadness.index()] = 0.1;
        assert_eq!(mood_score(&expressions, pair), 0.75);
        assert_eq!(mood_score(&expressions, [pair[1], pair[0]]), 0.25);
    }
}
