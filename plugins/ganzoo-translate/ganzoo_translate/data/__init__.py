"""Data sets to learn translation from: pairs made of any data set, folders of two sides, cartoons, rendered digits."""
