//! Random changes of pictures in training, as tensor operations on a whole batch.

use super::recipe::Augment;
use crate::face::SIDE;
use tch::{Device, Kind, Tensor};

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);
const WHITE: f64 = 255.0;

/// Even random numbers from -`most` to `most`, one for each picture: `[count, 1, 1, 1]`.
fn around(count: i64, most: f64) -> Tensor {
    (Tensor::rand([count, 1, 1, 1], FLOAT) - 0.5) * (2.0 * most)
}

/// 1 for a share of the pictures, else 0: `[count, 1, 1, 1]`.
fn some(count: i64, share: f64) -> Tensor {
    Tensor::rand([count, 1, 1, 1], FLOAT)
        .lt(share)
        .to_kind(Kind::Float)
}

/// Changes pictures `[count, 1, 48, 48]` of 0 to 255: their place, then their light, then their sharpness.
pub(super) fn augment(settings: &Augment, pictures: &Tensor) -> Tensor {
    let count = pictures.size()[0];
    let mut x = moved(settings, pictures);
    if settings.gamma > 0.0 {
        let power = around(count, settings.gamma).exp();
        x = (x / WHITE).clamp(0.0, 1.0).pow(&power) * WHITE;
    }
    if settings.contrast > 0.0 {
        let mean = x.mean_dim(&[1_i64, 2, 3][..], true, Kind::Float);
        x = (x - &mean) * (around(count, settings.contrast) + 1.0) + mean;
    }
    if settings.brightness > 0.0 {
        x += around(count, settings.brightness * WHITE);
    }
    if settings.light > 0.0 {
        let ramp = Tensor::linspace(-1.0, 1.0, SIDE as i64, FLOAT);
        let angle = around(count, std::f64::consts::PI);
        let across = angle.cos() * ramp.view([1, 1, 1, -1]);
        let down = angle.sin() * ramp.view([1, 1, -1, 1]);
        x += (across + down) * around(count, settings.light * WHITE);
    }
    x = x.clamp(0.0, WHITE);
    if settings.blur > 0.0 {
        let line = Tensor::from_slice(&[1.0_f32, 4.0, 6.0, 4.0, 1.0]) / 16.0;
        let kernel = line.view([1, 1, 5, 1]) * line.view([1, 1, 1, 5]);
        let edges = x.replication_pad2d([2, 2, 2, 2]);
        let blurred = edges.conv2d(&kernel, None::<&Tensor>, [1, 1], [0, 0], [1, 1], 1);
        let measure = some(count, settings.blur) * Tensor::rand([count, 1, 1, 1], FLOAT);
        x += (blurred - &x) * measure;
    }
    if settings.noise > 0.0 {
        let deviation = some(count, settings.noise) * around(count, 0.04 * WHITE);
        x += Tensor::randn(x.size(), FLOAT) * deviation;
    }
    x
}

/// Mirrors, turns, scales and shifts; what comes in from outside repeats the edge.
fn moved(settings: &Augment, pictures: &Tensor) -> Tensor {
    let count = pictures.size()[0];
    let is_still = settings.turn == 0.0 && settings.zoom == 0.0 && settings.shift == 0.0;
    if is_still && !settings.flip {
        return pictures.shallow_clone();
    }
    let around = |most: f64| around(count, most).view([count]);
    let angle = around(settings.turn.to_radians());
    let scale = around(settings.zoom) + 1.0;
    // the grid spans -1 to 1
    let shift = 2.0 * settings.shift / SIDE as f64;
    let (across, down) = (around(shift), around(shift));
    let side = match settings.flip {
        true => some(count, 0.5).view([count]) * 2.0 - 1.0,
        false => Tensor::ones([count], FLOAT),
    };
    let (cosine, sine) = (angle.cos() * &scale, angle.sin() * &scale);
    let rows = [
        Tensor::stack(&[&cosine * &side, -&sine, across], 1),
        Tensor::stack(&[&sine * &side, cosine, down], 1),
    ];
    let grid = Tensor::affine_grid_generator(&Tensor::stack(&rows, 1), pictures.size(), false);
    // bilinear, and the border repeated
    pictures.grid_sampler(&grid, 0, 1, false)
}

/// Covers a rectangle of a share of standardized pictures with their mean, 0.
pub(super) fn cover(share: f64, pictures: Tensor) -> Tensor {
    if share == 0.0 {
        return pictures;
    }
    let count = pictures.size()[0];
    let side = SIDE as i64;
    let span = |view: [i64; 4]| {
        let place = Tensor::arange(side, FLOAT).view(view);
        let length = (Tensor::rand([count, 1, 1, 1], FLOAT) * 11.0).floor() + 6.0;
        let start =
            (Tensor::rand([count, 1, 1, 1], FLOAT) * (&length * -1.0 + side as f64 + 1.0)).floor();
        place
            .ge_tensor(&start)
            .logical_and(&place.lt_tensor(&(start + length)))
    };
    let covered = span([1, 1, side, 1])
        .logical_and(&span([1, 1, 1, side]))
        .logical_and(&some(count, share).to_kind(Kind::Bool));
    pictures.masked_fill(&covered, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dark picture with a bright square at the left.
    fn pictures(count: i64) -> Tensor {
        let x = Tensor::full([count, 1, 48, 48], 60.0, FLOAT);
        let _ = x.slice(2, 20, 28, 1).slice(3, 4, 12, 1).fill_(200.0);
        x
    }

    #[test]
    fn without_settings_nothing_changes() {
        let x = pictures(2);
        assert!(augment(&Augment::default(), &x).equal(&x));
        assert!(cover(0.0, x.shallow_clone()).equal(&x));
    }

    #[test]
    fn half_of_the_pictures_are_mirrored_and_a_shift_is_of_whole_pictures() {
        tch::manual_seed(1);
        let settings = Augment {
            flip: true,
            ..Augment::default()
        };
        let x = pictures(200);
        let left = augment(&settings, &x)
            .slice(3, 0, 24, 1)
            .amax([1, 2, 3], false);
        let kept = left.gt(150.0).sum(Kind::Float).double_value(&[]);
        assert!((70.0..130.0).contains(&kept), "{kept}");
        let settings = Augment {
            shift: 3.0,
            ..Augment::default()
        };
        let moved = augment(&settings, &x);
        let centers = moved.gt(130.0).to_kind(Kind::Float);
        let across = Tensor::arange(48, FLOAT).view([1, 1, 1, 48]);
        let mass = centers.sum_dim_intlist(&[1_i64, 2, 3][..], false, Kind::Float);
        let mean =
            (centers * across).sum_dim_intlist(&[1_i64, 2, 3][..], false, Kind::Float) / mass;
        let [low, high] = [mean.min(), mean.max()].map(|it| it.double_value(&[]));
        assert!(
            (4.0..6.0).contains(&low) && (9.0..11.0).contains(&high),
            "{low} {high}"
        );
    }

    #[test]
    fn light_changes_pixels_within_their_range_and_a_cover_is_a_rectangle() {
        tch::manual_seed(1);
        let settings = Augment {
            contrast: 1.0,
            brightness: 1.0,
            light: 1.0,
            gamma: 1.0,
            blur: 1.0,
            ..Augment::default()
        };
        let changed = augment(&settings, &pictures(50));
        let [low, high] = [changed.min(), changed.max()].map(|it| it.double_value(&[]));
        assert!(low >= -1e-3 && high <= 255.001, "{low} {high}");
        let covered = cover(1.0, Tensor::ones([100, 1, 48, 48], FLOAT)).eq(0.0);
        let sizes =
            covered
                .to_kind(Kind::Float)
                .sum_dim_intlist(&[1_i64, 2, 3][..], false, Kind::Float);
        let [low, high] = [sizes.min(), sizes.max()].map(|it| it.double_value(&[]));
        assert!(low >= 36.0 && high <= 256.0 && low < high, "{low} {high}");
    }
}
