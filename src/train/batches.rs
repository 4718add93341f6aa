//! Batches of cropped, augmented spectrograms, made ahead of the network that learns from them.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use rand_distr::{Beta, Distribution};
use rayon::prelude::*;
use tch::{Kind, Tensor};

use super::{
    augment::augment,
    network::{AFFECT_UNIT, BandStatistics},
    teacher::Targets,
};
use crate::{
    dataset::{LEVEL_STEP_DB, LabeledSong, Spectrograms, VotedSong, Words, felt, mean_shares},
    emotion::{CENTER, Emotion},
    mel::WindowRule,
    model::Recipe,
};

/// The songs that training reads: labels and spectrograms. Positions count `songs`, then `more`.
#[derive(Debug, Clone, Copy)]
pub struct Songs<'a> {
    /// The songs with labels of valence and arousal.
    pub songs: &'a [LabeledSong],
    /// Songs of the recipe's other sets.
    pub(crate) more: &'a [VotedSong],
    /// The emotions of the words that listeners of `more` voted for.
    pub(crate) words: Option<&'a Words>,
    /// The log-mel spectrogram of each song, at its position.
    pub spectrograms: &'a Spectrograms,
    /// The outputs of each teacher for each song.
    pub(crate) targets: &'a [Targets],
}

/// Cuts and averages spectrograms as the recipe says.
#[derive(Debug)]
pub(crate) struct Cropper<'a> {
    songs: Songs<'a>,
    bands: usize,
    /// Full-rate frames of a window.
    frames: usize,
    /// Full-rate frames that are averaged into one.
    pool: usize,
    /// Seconds from one full-rate frame to the next.
    frame_s: f64,
}

/// One batch, ready for the network.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Positions in the list of songs.
    pub songs: Vec<usize>,
    /// `[batch, 1, bands, frames / pool]`, dB.
    pub frames: Tensor,
    /// Places in the batch of songs with labels of valence and arousal.
    pub labeled: Vec<i64>,
    /// `[batch, 8]`: shares of the emotions, sum 1; 0 for songs without.
    pub emotions: Tensor,
    /// `[batch, 8]`: 1 where the emotion counts as present, else 0.
    pub present: Tensor,
    /// `[batch, 2]`: valence and arousal as (value - 5) / 2; 0 for songs without.
    pub affect: Tensor,
    /// Places in the batch of songs with votes.
    pub voted: Vec<i64>,
    /// `[batch, 8]`: shares of the emotions that listeners felt, sum 1; 0 for songs without votes.
    pub felt: Tensor,
    /// The outputs of each teacher: `[batch, moments, width]` or `[batch, width]`.
    pub targets: Vec<Tensor>,
}

impl Batch {
    /// All tensors but the frames that a mixture of songs mixes alike, and that go to the device.
    pub(super) fn tensors(&mut self) -> impl Iterator<Item = &mut Tensor> {
        let labels = [
            &mut self.frames,
            &mut self.emotions,
            &mut self.present,
            &mut self.affect,
            &mut self.felt,
        ];
        labels.into_iter().chain(&mut self.targets)
    }
}

impl<'a> Songs<'a> {
    /// Songs of one set, without teachers.
    pub fn new(songs: &'a [LabeledSong], spectrograms: &'a Spectrograms) -> Self {
        Self {
            songs,
            more: &[],
            words: None,
            spectrograms,
            targets: &[],
        }
    }

    /// The votes for the song at a position; none if it has none.
    pub(crate) fn votes(&self, position: usize) -> &'a [f64] {
        let voted = position.checked_sub(self.songs.len());
        voted.map_or(&[], |place| &self.more[place].votes)
    }

    /// Places in `positions` of songs with labels of valence and arousal.
    pub(crate) fn labeled(&self, positions: &[usize]) -> Vec<i64> {
        places(positions, |song| song < self.songs.len())
    }

    /// Places in `positions` of songs with votes.
    pub(crate) fn voted(&self, positions: &[usize]) -> Vec<i64> {
        places(positions, |song| !self.votes(song).is_empty())
    }

    /// Name of a song in messages.
    pub(crate) fn id(&self, position: usize) -> &'a str {
        match self.songs.get(position) {
            Some(song) => &song.id,
            None => &self.more[position - self.songs.len()].id,
        }
    }

    /// For each word, its mean share of the votes for the songs at `positions`.
    pub(crate) fn mean_votes(&self, positions: &[usize]) -> Vec<f64> {
        let votes = positions.iter().map(|&song| self.votes(song));
        mean_shares(votes.filter(|votes| !votes.is_empty()))
    }

    /// Shares of the emotions that listeners felt in the songs at `positions`, `[songs, 8]`, sum 1; 0 for songs without votes.
    pub(crate) fn felt(&self, positions: &[usize], means: &[f64]) -> Tensor {
        let mut shares = Vec::with_capacity(positions.len() * Emotion::COUNT);
        for &song in positions {
            match (self.words, self.votes(song)) {
                (Some(words), votes @ [_, ..]) => {
                    let felt = felt(votes, means, words);
                    shares.extend(felt.as_array().map(|percent| percent / 100.0));
                }
                _ => shares.extend([0.0_f32; Emotion::COUNT]),
            }
        }
        Tensor::from_slice(&shares).reshape([-1, Emotion::COUNT as i64])
    }

    /// Labels of the songs at `positions`: shares of the emotions `[songs, 8]`, and valence and arousal
    /// `[songs, 2]` as (value - 5) / 2; 0 for songs without.
    pub fn labels(&self, positions: &[usize]) -> (Tensor, Tensor) {
        let mut emotions = Vec::with_capacity(positions.len() * Emotion::COUNT);
        let mut affect = Vec::with_capacity(positions.len() * 2);
        for &song in positions {
            let Some(song) = self.songs.get(song) else {
                emotions.extend([0.0; Emotion::COUNT]);
                affect.extend([0.0; 2]);
                continue;
            };
            emotions.extend(song.emotions.as_array().map(|percent| percent / 100.0));
            for value in [song.affect.valence_mean, song.affect.arousal_mean] {
                affect.push(((value - CENTER) / AFFECT_UNIT) as f32);
            }
        }
        (
            Tensor::from_slice(&emotions).reshape([-1, Emotion::COUNT as i64]),
            Tensor::from_slice(&affect).reshape([-1, 2]),
        )
    }
}

fn places(positions: &[usize], is_of_kind: impl Fn(usize) -> bool) -> Vec<i64> {
    let of_kind = (0..).zip(positions).filter(|(_, song)| is_of_kind(**song));
    of_kind.map(|(place, _)| place).collect()
}

/// A window of a song's spectrogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Crop {
    /// Its first frame.
    pub start: usize,
    /// Its share in the song's mean.
    pub weight: f64,
}

impl<'a> Cropper<'a> {
    /// Windows of the length that the recipe says.
    pub(crate) fn new(recipe: &Recipe, songs: Songs<'a>) -> Self {
        Self {
            songs,
            bands: recipe.features.n_mels,
            frames: recipe.preprocessing().frames(),
            pool: recipe.network.frame_pool,
            frame_s: recipe.features.hop_length as f64 / f64::from(recipe.features.sample_rate),
        }
    }

    /// Frames that a window has after averaging.
    pub(crate) fn pooled_frames(&self) -> usize {
        self.frames / self.pool
    }

    /// The time of a full-rate frame.
    fn seconds(&self, frame: usize) -> f64 {
        frame as f64 * self.frame_s
    }

    /// Values of one averaged window.
    fn window_size(&self) -> usize {
        self.bands * self.pooled_frames()
    }

    /// Full-rate frames of a song.
    fn length(&self, song: usize) -> usize {
        self.songs.spectrograms.frames(song)
    }

    /// The windows of a whole song, those of which `analyze` takes the mean.
    pub(crate) fn windows(&self, song: usize) -> Vec<Crop> {
        let rule = WindowRule {
            length: self.frames,
        };
        let spans = rule.spans(self.length(song));
        spans
            .map(|(start, weight)| Crop { start, weight })
            .collect()
    }

    /// Writes a window, averaged over `pool` frames, as `[bands, frames / pool]`. A song that is too short is repeated
    /// from its start.
    pub(crate) fn copy(&self, song: usize, start: usize, out: &mut [f32]) {
        let spectrogram = self.songs.spectrograms.song(song);
        let length = self.length(song);
        let pooled = self.pooled_frames();
        out.fill(0.0);
        for frame in 0..pooled * self.pool {
            let source = (start + frame) % length * self.bands;
            let column = frame / self.pool;
            for (band, value) in spectrogram[source..source + self.bands].iter().enumerate() {
                out[band * pooled + column] += f32::from(*value);
            }
        }
        let share = LEVEL_STEP_DB / self.pool as f32;
        out.iter_mut().for_each(|value| *value *= share);
    }

    /// As [`Cropper::copy`], played `tempo` times as fast: frame `t` of the window is frame `start + t * tempo` of the
    /// song, interpolated between its neighbors.
    fn copy_at(&self, song: usize, start: usize, tempo: f64, out: &mut [f32]) {
        let spectrogram = self.songs.spectrograms.song(song);
        let length = self.length(song);
        let pooled = self.pooled_frames();
        out.fill(0.0);
        for frame in 0..pooled * self.pool {
            let place = frame as f64 * tempo;
            let (before, share) = (start + place as usize, place.fract() as f32);
            let row = |frame: usize| {
                let first = frame % length * self.bands;
                &spectrogram[first..first + self.bands]
            };
            let column = frame / self.pool;
            for (band, (before, after)) in row(before).iter().zip(row(before + 1)).enumerate() {
                out[band * pooled + column] +=
                    f32::from(*before) * (1.0 - share) + f32::from(*after) * share;
            }
        }
        let share = LEVEL_STEP_DB / self.pool as f32;
        out.iter_mut().for_each(|value| *value *= share);
    }

    /// A batch of the windows that `crops` lists, without augmentation.
    pub(crate) fn plain(&self, song: usize, crops: &[Crop]) -> Tensor {
        let size = self.window_size();
        let mut values = vec![0.0; crops.len() * size];
        for (crop, out) in crops.iter().zip(values.chunks_mut(size)) {
            self.copy(song, crop.start, out);
        }
        self.tensor(&values)
    }

    fn tensor(&self, values: &[f32]) -> Tensor {
        Tensor::from_slice(values).reshape([-1, 1, self.bands as i64, self.pooled_frames() as i64])
    }

    /// Mean and standard deviation of each band over all frames of `songs`.
    pub(crate) fn statistics(&self, songs: &[usize]) -> BandStatistics {
        let bands = self.bands;
        let sums = songs
            .par_iter()
            .map(|&song| {
                let mut sums = vec![(0.0_f64, 0.0_f64); bands];
                let pooled = self.length(song) / self.pool;
                let mut frame = vec![0.0_f64; bands];
                for chunk in self
                    .songs
                    .spectrograms
                    .song(song)
                    .chunks_exact(bands * self.pool)
                {
                    frame.fill(0.0);
                    for row in chunk.chunks_exact(bands) {
                        frame
                            .iter_mut()
                            .zip(row)
                            .for_each(|(sum, value)| *sum += f64::from(*value));
                    }
                    for (sum, value) in sums.iter_mut().zip(&frame) {
                        let value = value * f64::from(LEVEL_STEP_DB) / self.pool as f64;
                        sum.0 += value;
                        sum.1 += value * value;
                    }
                }
                (sums, pooled as f64)
            })
            // in the order of the songs, so that the sum is the same every time
            .collect::<Vec<_>>();
        let total: f64 = sums.iter().map(|(_, frames)| frames).sum();
        let (mut mean, mut deviation) = (Vec::with_capacity(bands), Vec::with_capacity(bands));
        for band in 0..bands {
            let (sum, squares) = sums
                .iter()
                .map(|(sums, _)| sums[band])
                .fold((0.0, 0.0), |total, one| (total.0 + one.0, total.1 + one.1));
            let average = sum / total;
            mean.push(average as f32);
            // a band that never changes says nothing, whatever it is divided by
            deviation.push((squares / total - average * average).max(1e-6).sqrt() as f32);
        }
        BandStatistics { mean, deviation }
    }
}

/// Makes the batches of an epoch. The same seed and epoch give the same batches, whatever the number of threads.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    cropper: Cropper<'a>,
    recipe: &'a Recipe,
    /// Values for masked bands.
    fill: Vec<f32>,
    /// For each word, its mean share of the training songs' votes.
    votes: Vec<f64>,
}

impl<'a> Batches<'a> {
    /// Batches of `songs` after the recipe; masks are filled with the bands' means, and votes are compared with those for
    /// the songs at `training`.
    pub(crate) fn new(
        recipe: &'a Recipe,
        songs: Songs<'a>,
        training: &[usize],
        bands: &BandStatistics,
    ) -> Self {
        Self {
            votes: songs.mean_votes(training),
            cropper: Cropper::new(recipe, songs),
            recipe,
            fill: bands.mean.clone(),
        }
    }

    /// The positions of `training` in the order of this epoch, cut into batches. A last batch of a single song is
    /// left out: batch normalization needs two.
    pub(crate) fn order(&self, training: &[usize], epoch: usize) -> Vec<Vec<usize>> {
        let mut order = training.to_vec();
        order.shuffle(&mut generator(self.recipe.seed, epoch, 0));
        order
            .chunks(self.recipe.optimizer.batch)
            .filter(|batch| batch.len() > 1)
            .map(<[usize]>::to_vec)
            .collect()
    }

    /// Batch number `number` of an epoch.
    pub(crate) fn make(&self, songs: Vec<usize>, epoch: usize, number: usize) -> Batch {
        let size = self.cropper.window_size();
        let mut values = vec![0.0; songs.len() * size];
        let crops: Vec<(f64, f64)> = values
            .par_chunks_mut(size)
            .zip(&songs)
            .enumerate()
            .map(|(place, (out, &song))| {
                let stream = (number * self.recipe.optimizer.batch + place + 1) as u64;
                let mut random = generator(self.recipe.seed, epoch, stream);
                let (start, tempo) = self.crop(song, epoch, out, &mut random);
                augment(&self.recipe.augmentation, &self.fill, out, &mut random);
                (self.cropper.seconds(start), tempo)
            })
            .collect();
        let all = self.cropper.songs;
        let (emotions, affect) = all.labels(&songs);
        let present = emotions.gt(self.recipe.loss.present_above / 100.0);
        let moments = self.recipe.moments();
        let targets = all.targets.iter();
        let mut batch = Batch {
            frames: self.cropper.tensor(&values),
            labeled: all.labeled(&songs),
            present: present.to_kind(Kind::Float),
            emotions,
            affect,
            voted: all.voted(&songs),
            felt: all.felt(&songs, &self.votes),
            targets: targets
                .map(|targets| targets.of_windows(&songs, &crops, &moments))
                .collect(),
            songs,
        };
        if self.recipe.augmentation.mixup > 0.0 {
            self.mix(
                &mut batch,
                &mut generator(self.recipe.seed, epoch, u64::MAX - number as u64),
            );
        }
        batch
    }

    /// Cuts a window out of a song: at a random place and at a random tempo, where the recipe asks for it. Returns the
    /// frame at which it starts, and the tempo.
    fn crop(
        &self,
        song: usize,
        epoch: usize,
        out: &mut [f32],
        random: &mut ChaCha8Rng,
    ) -> (usize, f64) {
        let settings = &self.recipe.augmentation;
        let cropper = &self.cropper;
        let last = cropper.length(song).saturating_sub(cropper.frames);
        if !settings.random_crop {
            let windows = cropper.windows(song);
            let start = windows[epoch % windows.len()].start;
            cropper.copy(song, start, out);
            (start, 1.0)
        } else if settings.stretch > 0.0 {
            let limit = settings.stretch.ln_1p();
            let tempo = random.random_range(-limit..=limit).exp();
            let spanned = (cropper.frames as f64 * tempo).round() as usize;
            let last = cropper.length(song).saturating_sub(spanned);
            let start = random.random_range(0..=last);
            cropper.copy_at(song, start, tempo, out);
            (start, tempo)
        } else {
            let start = random.random_range(0..=last);
            cropper.copy(song, start, out);
            (start, 1.0)
        }
    }

    /// Mixes every song of the batch, its labels and its targets, with another of the batch and of the same set.
    fn mix(&self, batch: &mut Batch, random: &mut ChaCha8Rng) {
        let shape = self.recipe.augmentation.mixup;
        let Ok(beta) = Beta::new(shape, shape) else {
            return;
        };
        let size = batch.songs.len();
        let shares: Vec<f32> = (0..size).map(|_| beta.sample(random) as f32).collect();
        let mut partners: Vec<i64> = (0..size as i64).collect();
        let unlabeled = (0..size as i64)
            .filter(|place| !batch.labeled.contains(place) && !batch.voted.contains(place));
        for places in [&batch.labeled, &batch.voted, &unlabeled.collect()] {
            let mut shuffled = places.clone();
            shuffled.shuffle(random);
            for (place, partner) in places.iter().zip(shuffled) {
                partners[*place as usize] = partner;
            }
        }
        let (shares, partners) = (Tensor::from_slice(&shares), Tensor::from_slice(&partners));
        for tensor in batch.tensors() {
            let mut column = vec![-1];
            column.resize(tensor.dim(), 1);
            let share = shares.reshape(column);
            *tensor = &*tensor * &share + tensor.index_select(0, &partners) * (1.0 - &share);
        }
    }
}

/// An independent generator for every seed, epoch and stream.
pub(super) fn generator(seed: u64, epoch: usize, stream: u64) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(bytes);
    generator.set_stream(stream);
    generator
}
