//! Union-find: which texts hang together.

/// Disjoint sets of the numbers below a count.
#[derive(Clone, Debug)]
pub(crate) struct Union {
    parent: Vec<u32>,
}

impl Union {
    pub(crate) fn new(count: u32) -> Self {
        Union { parent: (0..count).collect() }
    }

    /// The least number of the set, without shortening the way to it.
    pub(crate) fn root(&self, mut item: u32) -> u32 {
        while self.parent[item as usize] != item {
            item = self.parent[item as usize];
        }
        item
    }

    fn shortened(&mut self, mut item: u32) -> u32 {
        while self.parent[item as usize] != item {
            let next = self.parent[item as usize];
            self.parent[item as usize] = self.parent[next as usize];
            item = next;
        }
        item
    }

    /// Makes one set of two. The least number stays the root, so that the order does not matter.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.shortened(a), self.shortened(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }

    /// Makes every way to a root one step long.
    pub(crate) fn flatten(&mut self) {
        // Parents are never greater than their children, so that they are done before.
        for item in 0..self.parent.len() {
            self.parent[item] = self.parent[self.parent[item] as usize];
        }
    }

    /// The sets of two and more, by their least number; each in order.
    pub(crate) fn sets(&mut self) -> Vec<Vec<u32>> {
        self.flatten();
        let mut sizes = vec![0_u32; self.parent.len()];
        self.parent.iter().for_each(|&root| sizes[root as usize] += 1);
        // From here on `sizes` is the place of the set in the list.
        let mut sets = Vec::new();
        for size in &mut sizes {
            let large = *size > 1;
            let place = sets.len() as u32;
            if large {
                sets.push(Vec::with_capacity(*size as usize));
            }
            *size = if large { place } else { u32::MAX };
        }
        for (item, &root) in self.parent.iter().enumerate() {
            if let Some(set) = sets.get_mut(sizes[root as usize] as usize) {
                set.push(item as u32);
            }
        }
        sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_do_not_depend_on_the_order_of_joining() {
        let mut pairs = vec![(5, 3), (1, 4), (3, 4), (7, 8), (0, 0)];
        let sets = |pairs: &[(u32, u32)]| {
            let mut union = Union::new(9);
            pairs.iter().for_each(|&(a, b)| union.join(a, b));
            union.sets()
        };
        let forth = sets(&pairs);
        pairs.reverse();
        assert_eq!(forth, [vec![1, 3, 4, 5], vec![7, 8]]);
        assert_eq!(forth, sets(&pairs));
    }
}
