//! K-means on the valence-arousal plane, and how well it separates the songs.

use crate::{Error, Result};
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::index::sample};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::collections::HashSet;

/// Valence and arousal, each 1 to 9.
pub(crate) type Point = [f64; 2];

/// Rounds after which k-means stops although songs still change their cluster.
const MAX_ROUNDS: usize = 300;
/// Random starts, of which the one with the lowest inertia is kept.
const RANDOM_STARTS: usize = 10;
/// Songs over which a silhouette is computed; of more, a random sample of this size.
const SILHOUETTE_SONGS: usize = 10_000;

/// Songs in clusters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clusters {
    /// The initial centers.
    pub(crate) start: Vec<Point>,
    /// The mean of each cluster's songs; of an empty cluster, its last center.
    pub(crate) centers: Vec<Point>,
    /// Number of songs of each cluster.
    pub(crate) sizes: Vec<usize>,
    /// Each song's cluster, from 0.
    pub(crate) labels: Vec<usize>,
    /// The sum of the squared distances of the songs from their centers.
    pub(crate) inertia: f64,
}

/// K-means from the given centers (Lloyd's algorithm): assign every song to the nearest center, move each center to the mean of
/// its songs, repeat until no song changes its cluster. A center without songs stays where it is.
///
/// # Errors
/// Where there are no centers, fewer distinct points than centers, or a point that is not finite.
pub(crate) fn from_centers(points: &[Point], start: &[Point]) -> Result<Clusters> {
    check(points, start.len())?;
    let mut centers = start.to_vec();
    let mut sizes = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let nearest: Vec<usize> = points.par_iter().map(|p| nearest(p, &centers)).collect();
        if nearest == labels {
            break;
        }
        labels = nearest;
        sizes = vec![0; start.len()];
        let mut sums = vec![[0.0; 2]; start.len()];
        for (point, &label) in points.iter().zip(&labels) {
            sizes[label] += 1;
            sums[label][0] += point[0];
            sums[label][1] += point[1];
        }
        for ((center, &size), sum) in centers.iter_mut().zip(&sizes).zip(sums) {
            if size > 0 {
                *center = sum.map(|s| s / size as f64);
            }
        }
    }
    let distances = points.iter().zip(&labels);
    Ok(Clusters {
        start: start.to_vec(),
        inertia: distances
            .map(|(p, &label)| squared(p, &centers[label]))
            .sum(),
        centers,
        sizes,
        labels,
    })
}

/// K-means from `k` distinct random songs, ten times; the lowest inertia wins. The same seed gives the same clusters.
///
/// # Errors
/// Those of [`from_centers`].
pub(crate) fn from_random(points: &[Point], k: usize, seed: u64) -> Result<Clusters> {
    check(points, k)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut best = from_centers(points, &random_centers(points, k, &mut random))?;
    for _ in 1..RANDOM_STARTS {
        let clusters = from_centers(points, &random_centers(points, k, &mut random))?;
        if clusters.inertia < best.inertia {
            best = clusters;
        }
    }
    Ok(best)
}

/// Moves centers from the 1-to-9 scale onto the range of the points: 1 becomes the lowest value of the axis, 9 the highest. A
/// library rarely fills the scale, and centers outside its range would stay without songs.
pub(crate) fn within_range(points: &[Point], centers: &[Point]) -> Vec<Point> {
    let mut centers = centers.to_vec();
    for axis in 0..2 {
        let values = points.iter().map(|point| point[axis]);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        for center in &mut centers {
            center[axis] = low + (center[axis] - 1.0) / 8.0 * (high - low);
        }
    }
    centers
}

fn nearest(point: &Point, centers: &[Point]) -> usize {
    let distances = centers.iter().map(|center| squared(point, center));
    let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    nearest.map_or(0, |(label, _)| label)
}

/// The first `k` distinct points in random order.
fn random_centers(points: &[Point], k: usize, random: &mut ChaCha8Rng) -> Vec<Point> {
    let mut seen = HashSet::new();
    let order = sample(random, points.len(), points.len());
    let points = order.into_iter().map(|n| points[n]);
    points
        .filter(|point| seen.insert(point.map(f64::to_bits)))
        .take(k)
        .collect()
}

fn check(points: &[Point], k: usize) -> Result<()> {
    let invalid = |message: String| Err(Error::invalid(message));
    if k == 0 {
        return invalid("expected at least one cluster, found none; ask for more with --k".into());
    }
    if let Some(song) = points.iter().position(|p| !p.iter().all(|x| x.is_finite())) {
        let [valence, arousal] = points[song];
        return invalid(format!(
            "song {song} (counted from 0) has valence {valence}, arousal {arousal}; expected finite numbers"
        ));
    }
    let mut distinct = HashSet::new();
    let is_enough = |point: &Point| {
        distinct.insert(point.map(f64::to_bits));
        distinct.len() == k
    };
    // Stops early: most songs have a point of their own.
    if !points.iter().any(is_enough) {
        return invalid(format!(
            "expected songs at {k} different points of the plane or more, one for each cluster, found {} songs at {}; ask for \
             fewer clusters",
            points.len(),
            distinct.len()
        ));
    }
    Ok(())
}

fn squared(a: &Point, b: &Point) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

/// A mean silhouette.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Silhouette {
    /// From -1 to 1.
    pub(crate) mean: f64,
    /// Number of songs in the mean.
    pub(crate) songs: usize,
}

/// The mean silhouette (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7): how much nearer a song is to its own cluster's songs
/// than to those of the next cluster. A song alone in its cluster counts 0. Of more than 10,000 songs a random sample is taken,
/// and distances are measured within it. `None` where all songs are in one cluster.
pub(crate) fn silhouette(points: &[Point], clusters: &Clusters, seed: u64) -> Option<Silhouette> {
    let songs: Vec<usize> = if points.len() > SILHOUETTE_SONGS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        sample(&mut random, points.len(), SILHOUETTE_SONGS).into_vec()
    } else {
        (0..points.len()).collect()
    };
    let mut sizes = vec![0_usize; clusters.centers.len()];
    for &song in &songs {
        sizes[clusters.labels[song]] += 1;
    }
    if sizes.iter().filter(|size| **size > 0).count() < 2 {
        return None;
    }
    let of_song = |song: usize| {
        let own = clusters.labels[song];
        if sizes[own] == 1 {
            return 0.0;
        }
        let mut sums = vec![0.0; sizes.len()];
        for &other in &songs {
            sums[clusters.labels[other]] += squared(&points[song], &points[other]).sqrt();
        }
        let inside = sums[own] / (sizes[own] - 1) as f64;
        let outside = (0..sizes.len())
            .filter(|&cluster| cluster != own && sizes[cluster] > 0)
            .map(|cluster| sums[cluster] / sizes[cluster] as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        if larger > 0.0 {
            (outside - inside) / larger
        } else {
            0.0
        }
    };
    // Collected first: the order of the sum must not depend on the threads.
    let each: Vec<f64> = songs.clone().into_par_iter().map(of_song).collect();
    Some(Silhouette {
        mean: each.iter().sum::<f64>() / each.len() as f64,
        songs: each.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 points around three middles, as `tests/reference/cluster.py` makes them.
    fn points() -> Vec<Point> {
        (0..60_u32)
            .map(|n| {
                let middle = [[3.0, 3.0], [7.0, 4.0], [5.0, 7.0]][n as usize % 3];
                let spread = |m: u32| f64::from((n * m) % 17) / 17.0 * 2.4 - 1.2;
                [middle[0] + spread(7), middle[1] + spread(5)]
            })
            .collect()
    }

    // From tests/reference/cluster.py.
    const SIZES: [usize; 4] = [20, 15, 18, 7];
    const INERTIA: f64 = 49.98014829461195;
    const SILHOUETTE: f64 = 0.5145054302829161;

    const START: [Point; 4] = [[2.0, 2.0], [8.0, 3.0], [5.0, 8.0], [5.0, 5.0]];

    #[test]
    fn clusters_and_silhouette_are_those_of_scikit_learn() {
        let points = points();
        let clusters = from_centers(&points, &START).unwrap();
        assert_eq!(clusters.sizes, SIZES);
        assert!(
            (clusters.inertia - INERTIA).abs() < 1e-9,
            "{}",
            clusters.inertia
        );
        let found = silhouette(&points, &clusters, 1).unwrap();
        assert!((found.mean - SILHOUETTE).abs() < 1e-12, "{}", found.mean);
        assert_eq!(found.songs, 60);
    }

    #[test]
    fn one_seed_gives_one_result_and_random_starts_find_the_three_middles() {
        let points = points();
        let clusters = from_random(&points, 3, 7).unwrap();
        assert_eq!(clusters, from_random(&points, 3, 7).unwrap());
        assert_eq!(clusters.sizes.iter().sum::<usize>(), 60);
        for middle in [[3.0, 3.0], [7.0, 4.0], [5.0, 7.0]] {
            let nearest = clusters.centers.iter().map(|c| squared(c, &middle));
            assert!(nearest.fold(f64::INFINITY, f64::min) < 0.1);
        }
    }

    #[test]
    fn a_center_far_from_all_songs_stays_and_is_empty() {
        let start = [[3.0, 3.0], [6.0, 5.0], [900.0, 900.0]];
        let clusters = from_centers(&points(), &start).unwrap();
        assert_eq!(
            (clusters.sizes[2], clusters.centers[2]),
            (0, [900.0, 900.0])
        );
        assert!(silhouette(&points(), &clusters, 1).is_some());
        let one = from_centers(&points(), &[[5.0, 5.0]]).unwrap();
        assert_eq!(silhouette(&points(), &one, 1), None);
    }

    #[test]
    fn a_song_alone_in_its_cluster_counts_zero() {
        let points = [[1.0, 1.0], [1.0, 2.0], [9.0, 9.0]];
        let clusters = from_centers(&points, &[[1.0, 1.0], [9.0, 9.0]]).unwrap();
        let found = silhouette(&points, &clusters, 1).unwrap();
        let of = |distance: f64| (distance - 1.0) / distance;
        let expected = (of(128.0_f64.sqrt()) + of(113.0_f64.sqrt())) / 3.0;
        assert!((found.mean - expected).abs() < 1e-12);
    }

    #[test]
    fn too_few_distinct_points_are_an_error() {
        let same = vec![[5.0, 5.0]; 20];
        for error in [
            from_random(&same, 2, 1).unwrap_err(),
            from_centers(&same, &START).unwrap_err(),
            from_random(&points(), 61, 1).unwrap_err(),
        ] {
            assert!(error.to_string().contains("fewer clusters"), "{error}");
        }
        for error in [
            from_random(&points(), 0, 1).unwrap_err(),
            from_centers(&points(), &[]).unwrap_err(),
        ] {
            assert!(error.to_string().contains("at least one"), "{error}");
        }
        let error = from_random(&[[1.0, 2.0], [f64::NAN, 1.0]], 1, 1).unwrap_err();
        assert!(error.to_string().contains("song 1"), "{error}");
        let all_one = from_centers(&same, &[[1.0, 1.0]]).unwrap();
        assert_eq!(
            (all_one.sizes.as_slice(), all_one.inertia),
            (&[20][..], 0.0)
        );
    }

    #[test]
    fn the_silhouette_of_many_songs_is_that_of_a_sample() {
        let many: Vec<Point> = (0..SILHOUETTE_SONGS + 500)
            .map(|n| {
                let side = if n % 2 == 0 { 2.0 } else { 8.0 };
                [
                    side + (n % 101) as f64 / 100.0,
                    5.0 + (n % 37) as f64 / 40.0,
                ]
            })
            .collect();
        let clusters = from_centers(&many, &[[3.0, 5.0], [7.0, 5.0]]).unwrap();
        let found = silhouette(&many, &clusters, 3).unwrap();
        assert_eq!(found.songs, SILHOUETTE_SONGS);
        assert!(found.mean > 0.8, "{}", found.mean);
    }

    #[test]
    fn centers_on_the_scale_move_into_the_range_of_the_songs() {
        let songs = [[4.0, 5.0], [6.0, 5.0], [5.0, 5.5]];
        let moved = within_range(&songs, &[[1.0, 9.0], [5.0, 5.0], [9.0, 1.0]]);
        assert_eq!(moved, [[4.0, 5.5], [5.0, 5.25], [6.0, 5.0]]);
        let level = within_range(&[[4.0, 5.0], [6.0, 5.0]], &[[3.0, 8.0]]);
        assert_eq!(level, [[4.5, 5.0]]);
    }
}
