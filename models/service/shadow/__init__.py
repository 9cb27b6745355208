"""The shadow: a challenger that scores what the service scores, and whose answers nobody gets."""
