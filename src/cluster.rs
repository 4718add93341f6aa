//! K-means on the valence-arousal plane, and how well it parts the songs.

use linfa::{
    DatasetBase, ParamGuard,
    traits::{FitWith, Predict},
};
use linfa_clustering::{IncrKMeansError, KMeans, KMeansInit};
use ndarray::ArrayView2;
use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::HashSet;

/// Valence and arousal, each 1 to 9.
pub type Point = [f64; 2];

/// Rounds after which k-means stops though songs still change their cluster.
const MOST_ROUNDS: u64 = 300;
/// A round that moves the centres by less than this is the last.
const TOLERANCE: f64 = 1e-9;
/// Random starts, of which the one with the least inertia counts.
pub const RANDOM_STARTS: usize = 10;
/// Songs over which a silhouette is taken; of more, a random sample of so many.
pub const SILHOUETTE_SONGS: usize = 10_000;

/// The songs cannot be parted.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// When no cluster is asked for.
    #[error("expected at least one cluster, found none; ask for more with --k")]
    NoCluster,
    /// When a number is not finite.
    #[error("song {song} (counted from 0) stands at valence {}, arousal {}; expected finite numbers", point[0], point[1])]
    NotFinite { song: usize, point: Point },
    /// When there are fewer songs, or fewer that differ, than clusters.
    #[error(
        "expected songs at {k} different places of the plane or more, one for each cluster, found {songs} songs at {places}; \
         ask for fewer clusters"
    )]
    TooFew {
        k: usize,
        songs: usize,
        places: usize,
    },
    /// When linfa's k-means gives up.
    #[error("k-means failed")]
    KMeans(#[from] linfa::Error),
    /// When linfa's k-means refuses its settings.
    #[error("k-means refused its settings")]
    Settings(#[from] linfa_clustering::KMeansParamsError),
}

/// Songs in clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// Where the centres began.
    pub start: Vec<Point>,
    /// The mean of each cluster's songs; where it has none, the centre that attracted none.
    pub centres: Vec<Point>,
    /// Songs of each.
    pub sizes: Vec<usize>,
    /// Each song's cluster, from 0.
    pub of: Vec<usize>,
    /// The sum of the squared distances of the songs from their centres.
    pub inertia: f64,
}

/// K-means that begins at the given centres (Lloyd's algorithm, by linfa): each round gives every song to the nearest centre and
/// moves the centres to the means of their songs, until nothing moves any more. A centre that attracts no song stays where it is.
///
/// # Errors
/// [`ClusterError`].
pub fn from_centres(points: &[Point], centres: &[Point]) -> Result<Clusters, ClusterError> {
    check(points, centres.len())?;
    let records = matrix(points);
    let dataset = DatasetBase::from(records);
    let mut found = matrix(centres).to_owned();
    let mut of = Vec::new();
    for _ in 0..MOST_ROUNDS {
        // One batch of all songs is one round. Its other way, `fit`, counts the old centre as a song of the new one.
        let params = KMeans::params(centres.len())
            .init_method(KMeansInit::Precomputed(found))
            .tolerance(TOLERANCE)
            .check()?;
        let (model, moved) = match params.fit_with(None, &dataset) {
            Ok(model) => (model, false),
            Err(IncrKMeansError::NotConverged(model)) => (model, true),
            Err(IncrKMeansError::InvalidParams(error)) => return Err(error.into()),
            Err(IncrKMeansError::LinfaError(error)) => return Err(error.into()),
        };
        of = model.predict(&records).to_vec();
        found = model.centroids().to_owned();
        if !moved {
            break;
        }
    }
    let mut found: Vec<Point> = found.rows().into_iter().map(|c| [c[0], c[1]]).collect();
    let mut sizes = vec![0; centres.len()];
    let mut sums = vec![[0.0; 2]; centres.len()];
    for (point, cluster) in points.iter().zip(&of) {
        sizes[*cluster] += 1;
        sums[*cluster][0] += point[0];
        sums[*cluster][1] += point[1];
    }
    for ((centre, size), sum) in found.iter_mut().zip(&sizes).zip(&sums) {
        if *size > 0 {
            *centre = sum.map(|s| s / *size as f64);
        }
    }
    let inertia = points
        .iter()
        .zip(&of)
        .map(|(point, cluster)| squared(point, &found[*cluster]));
    Ok(Clusters {
        start: centres.to_vec(),
        inertia: inertia.sum(),
        centres: found,
        sizes,
        of,
    })
}

/// K-means that begins at `k` random songs at different places, [`RANDOM_STARTS`] times; the least inertia counts. The same seed
/// gives the same clusters.
///
/// # Errors
/// [`ClusterError`].
pub fn from_random(points: &[Point], k: usize, seed: u64) -> Result<Clusters, ClusterError> {
    check(points, k)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut best: Option<Clusters> = None;
    for _ in 0..RANDOM_STARTS {
        let clusters = from_centres(points, &random_centres(points, k, &mut random))?;
        if best
            .as_ref()
            .is_none_or(|best| clusters.inertia < best.inertia)
        {
            best = Some(clusters);
        }
    }
    best.ok_or(ClusterError::NoCluster)
}

/// The places of `k` songs, no two alike. There are so many.
fn random_centres(points: &[Point], k: usize, random: &mut ChaCha8Rng) -> Vec<Point> {
    let mut seen = HashSet::new();
    let order = sample(random, points.len(), points.len());
    let points = order.into_iter().map(|n| points[n]);
    points
        .filter(|point| seen.insert(point.map(f64::to_bits)))
        .take(k)
        .collect()
}

fn check(points: &[Point], k: usize) -> Result<(), ClusterError> {
    if k == 0 {
        return Err(ClusterError::NoCluster);
    }
    let mut finite = points.iter().enumerate();
    if let Some((song, point)) = finite.find(|(_, point)| point.iter().any(|x| !x.is_finite())) {
        return Err(ClusterError::NotFinite {
            song,
            point: *point,
        });
    }
    let mut places = HashSet::new();
    for point in points {
        // No more than needed: most songs stand at a place of their own.
        if places.len() == k {
            break;
        }
        places.insert(point.map(f64::to_bits));
    }
    if places.len() < k {
        return Err(ClusterError::TooFew {
            k,
            songs: points.len(),
            places: places.len(),
        });
    }
    Ok(())
}

fn matrix(points: &[Point]) -> ArrayView2<'_, f64> {
    ArrayView2::from(points)
}

fn squared(a: &Point, b: &Point) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

/// A silhouette, and over how many songs it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silhouette {
    /// From -1 to 1.
    pub mean: f64,
    /// Songs that it is the mean of.
    pub songs: usize,
}

/// The mean silhouette (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7): how much nearer a song is to its own cluster's songs
/// than to those of the next cluster. A song that is alone in its cluster counts 0. Of more than [`SILHOUETTE_SONGS`] songs a
/// random sample is taken, within which the distances are measured too. `None` where all songs are in one cluster.
pub fn silhouette(points: &[Point], clusters: &Clusters, seed: u64) -> Option<Silhouette> {
    let chosen: Vec<(Point, usize)> = if points.len() > SILHOUETTE_SONGS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let songs = sample(&mut random, points.len(), SILHOUETTE_SONGS);
        songs
            .into_iter()
            .map(|n| (points[n], clusters.of[n]))
            .collect()
    } else {
        points
            .iter()
            .copied()
            .zip(clusters.of.iter().copied())
            .collect()
    };
    let mut sizes = vec![0_usize; clusters.centres.len()];
    for (_, cluster) in &chosen {
        sizes[*cluster] += 1;
    }
    if sizes.iter().filter(|size| **size > 0).count() < 2 {
        return None;
    }
    let of_song = |n: usize| {
        let (point, own) = chosen[n];
        if sizes[own] == 1 {
            return 0.0;
        }
        let mut sums = vec![0.0; sizes.len()];
        for (other, cluster) in &chosen {
            sums[*cluster] += squared(&point, other).sqrt();
        }
        let inside = sums[own] / (sizes[own] - 1) as f64;
        let outside = sums
            .iter()
            .zip(&sizes)
            .enumerate()
            .filter(|(cluster, (_, size))| *cluster != own && **size > 0)
            .map(|(_, (sum, size))| sum / *size as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        if larger > 0.0 {
            (outside - inside) / larger
        } else {
            0.0
        }
    };
    // Collected first: the order of the sum must not depend on the threads.
    let each: Vec<f64> = (0..chosen.len()).into_par_iter().map(of_song).collect();
    Some(Silhouette {
        mean: each.iter().sum::<f64>() / each.len() as f64,
        songs: each.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 places around three middles, as `tests/reference/cluster.py` makes them.
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
        let clusters = from_centres(&points, &START).unwrap();
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
    fn one_seed_gives_one_answer_and_random_starts_find_the_three_middles() {
        let points = points();
        let clusters = from_random(&points, 3, 7).unwrap();
        assert_eq!(clusters, from_random(&points, 3, 7).unwrap());
        assert_eq!(clusters.sizes.iter().sum::<usize>(), 60);
        for middle in [[3.0, 3.0], [7.0, 4.0], [5.0, 7.0]] {
            let nearest = clusters.centres.iter().map(|c| squared(c, &middle));
            assert!(nearest.fold(f64::INFINITY, f64::min) < 0.1);
        }
    }

    #[test]
    fn a_centre_far_from_all_songs_stays_and_has_none() {
        let start = [[3.0, 3.0], [6.0, 5.0], [900.0, 900.0]];
        let clusters = from_centres(&points(), &start).unwrap();
        assert_eq!(
            (clusters.sizes[2], clusters.centres[2]),
            (0, [900.0, 900.0])
        );
        assert!(silhouette(&points(), &clusters, 1).is_some());
        let one = from_centres(&points(), &[[5.0, 5.0]]).unwrap();
        assert_eq!(silhouette(&points(), &one, 1), None);
    }

    #[test]
    fn a_song_alone_in_its_cluster_counts_nothing() {
        let points = [[1.0, 1.0], [1.0, 2.0], [9.0, 9.0]];
        let clusters = from_centres(&points, &[[1.0, 1.0], [9.0, 9.0]]).unwrap();
        let found = silhouette(&points, &clusters, 1).unwrap();
        let of = |distance: f64| (distance - 1.0) / distance;
        let expected = (of(128.0_f64.sqrt()) + of(113.0_f64.sqrt())) / 3.0;
        assert!((found.mean - expected).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_parted_is_an_error() {
        let same = vec![[5.0, 5.0]; 20];
        for error in [
            from_random(&same, 2, 1).unwrap_err(),
            from_centres(&same, &START).unwrap_err(),
            from_random(&points(), 61, 1).unwrap_err(),
        ] {
            assert!(matches!(error, ClusterError::TooFew { .. }), "{error}");
        }
        assert!(matches!(
            from_random(&points(), 0, 1),
            Err(ClusterError::NoCluster)
        ));
        assert!(matches!(
            from_centres(&points(), &[]),
            Err(ClusterError::NoCluster)
        ));
        let error = from_random(&[[1.0, 2.0], [f64::NAN, 1.0]], 1, 1).unwrap_err();
        assert!(error.to_string().contains("song 1"), "{error}");
        let all_one = from_centres(&same, &[[1.0, 1.0]]).unwrap();
        assert_eq!(
            (all_one.sizes.as_slice(), all_one.inertia),
            (&[20][..], 0.0)
        );
    }

    #[test]
    fn of_many_songs_a_sample_is_judged() {
        let many: Vec<Point> = (0..SILHOUETTE_SONGS + 500)
            .map(|n| {
                let side = if n % 2 == 0 { 2.0 } else { 8.0 };
                [
                    side + (n % 101) as f64 / 100.0,
                    5.0 + (n % 37) as f64 / 40.0,
                ]
            })
            .collect();
        let clusters = from_centres(&many, &[[3.0, 5.0], [7.0, 5.0]]).unwrap();
        let found = silhouette(&many, &clusters, 3).unwrap();
        assert_eq!(found.songs, SILHOUETTE_SONGS);
        assert!(found.mean > 0.8, "{}", found.mean);
    }
}
