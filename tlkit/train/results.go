package train

// Results are the results of a run, one per strategy.
type Results []*Result

// Bundle is the table of the results, without curves; see [Run.Summary].
func (rs Results) Bundle() (map[string]any, error) {
	if len(rs) == 0 {
		return map[string]any{"text/plain": "no results yet"}, nil
	}
	own := *rs[0].run
	own.Results = rs
	return own.Summary().Bundle()
}
