package registry

// UserSpec is what operators may write of a user, in the one form that the store, the operators' API and files
// of declarations have.
type UserSpec struct {
	Name        string   `json:"name,omitempty"`
	Permissions []string `json:"permissions"`
	MustReset   bool     `json:"must_reset,omitempty"` // the password must be changed before it gets a token
	Disabled    bool     `json:"disabled,omitempty"`
}

// UserFields are the fields of a user, in the order in which people read them.
func UserFields() []Field[UserSpec] {
	type spec = UserSpec
	type field = Field[spec]
	return []field{
		textField(field{Name: "name", Flag: "name", Label: "Name", Help: "the person's name"},
			func(s *spec) *string { return &s.Name }),
		listField(field{Name: "permissions", Flag: "permission", Label: "Permissions", None: "none", Unset: "none",
			Help: "`NAME` of what the user may do; repeat it, list with commas, or say all or none"},
			func(s *spec) *[]string { return &s.Permissions }, word),
		switchField(field{Name: "must_reset", Flag: "must-reset", Label: "Must change password",
			Help: "the password must be changed before it gets a token"},
			func(s *spec) *bool { return &s.MustReset }),
		switchField(field{Name: "disabled", Label: "Disabled", Help: "whether the user gets no tokens and those of its sign-ins are refused"},
			func(s *spec) *bool { return &s.Disabled }),
	}
}
