package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// The page is the contract put in the order in which people read: by tag, then by path.
type (
	pageView struct {
		spec
		Bearer  string
		Groups  []groupView
		Schemas []schemaView
	}
	groupView struct {
		Name, Anchor, Description string
		Operations                []operationView
	}
	operationView struct {
		ID, Method, Path, Summary, Description string
		Roles                                  []string // who may
		Parameters                             []parameterView
		Body, BodyExample                      string
		Answers                                []answerView
	}
	parameterView struct {
		Name, In, Kind, Description, Example string
		Required                             bool
	}
	answerView struct{ Status, Description, Schema string }
	schemaView struct {
		Name, Description, Example string
		Enum                       []string
		Fields                     []fieldView
	}
	fieldView struct {
		Name, Kind, Link, Description string
		Required, ReadOnly            bool
	}
)

// again reads a part of a document into another shape.
func again[T any](part any) (out T, err error) {
	text, err := yaml.Marshal(part)
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &out, yaml.UseOrderedMap())
	}
	if err != nil {
		err = fmt.Errorf("read a part of the contract: %w", err)
	}
	return out, err
}

func (s *spec) page() (*pageView, error) {
	p := &pageView{spec: *s, Bearer: s.Components.SecuritySchemes["bearer"].Description}
	for _, t := range s.Tags {
		p.Groups = append(p.Groups, groupView{Name: t.Name, Anchor: strings.ReplaceAll(strings.ToLower(t.Name), " ", "-"), Description: t.Description})
	}
	for _, path := range s.Paths {
		if err := p.addPath(fmt.Sprint(path.Key), path.Value); err != nil {
			return nil, err
		}
	}
	for _, item := range s.Components.Schemas {
		sc, err := again[schema](item.Value)
		if err != nil {
			return nil, err
		}
		v := schemaView{Name: fmt.Sprint(item.Key), Description: sc.Description, Enum: sc.Enum, Example: example(&sc)}
		if v.Fields, err = s.fields(&sc); err != nil {
			return nil, err
		}
		p.Schemas = append(p.Schemas, v)
	}
	return p, nil
}

func (p *pageView) addPath(path string, value any) error {
	shared, err := again[struct{ Parameters []parameter }](value)
	if err != nil {
		return err
	}
	methods, err := again[yaml.MapSlice](value)
	if err != nil {
		return err
	}
	for _, m := range methods {
		method := fmt.Sprint(m.Key)
		if method == "parameters" {
			continue
		}
		op, err := again[operationText](m.Value)
		if err != nil {
			return err
		}
		v := operationView{ID: op.ID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Description: op.Description, Roles: roles(op.Right)}
		for _, q := range append(shared.Parameters, op.Parameters...) {
			v.Parameters = append(v.Parameters, p.parameter(q))
		}
		v.Body = last(op.RequestBody.Content["application/json"].Schema.Ref)
		v.BodyExample = p.exampleOf(v.Body)
		for status, a := range op.Responses {
			answer := answerView{status, a.Description, last(a.Content["application/json"].Schema.Ref)}
			if a.Ref != "" {
				answer = answerView{"other", "What went wrong.", "Problem"}
			}
			v.Answers = append(v.Answers, answer)
		}
		slices.SortFunc(v.Answers, func(a, b answerView) int { return strings.Compare(a.Status, b.Status) })
		if i := slices.IndexFunc(p.Groups, func(g groupView) bool { return slices.Contains(op.Tags, g.Name) }); i >= 0 {
			p.Groups[i].Operations = append(p.Groups[i].Operations, v)
		}
	}
	return nil
}

// roles names who has a right.
func roles(right string) (names []string) {
	for _, r := range operator.Roles() {
		if right == "" || r.Can(operator.Right(right)) {
			names = append(names, string(r))
		}
	}
	return names
}

func (p *pageView) parameter(q parameter) parameterView {
	if q.Ref != "" {
		q = p.Components.Parameters[last(q.Ref)]
	}
	v := parameterView{Name: q.Name, In: q.In, Description: q.Description, Required: q.Required}
	v.Kind, _ = q.Schema.kind()
	if q.Example != nil {
		v.Example = fmt.Sprint(q.Example)
	}
	return v
}

// exampleOf returns the example of a body.
func (p *pageView) exampleOf(name string) string {
	for _, item := range p.spec.Components.Schemas {
		if item.Key == name {
			if sc, err := again[schema](item.Value); err == nil {
				return example(&sc)
			}
		}
	}
	return ""
}

func example(s *schema) string {
	if len(s.Examples) == 0 {
		return ""
	}
	text, err := yaml.Marshal(s.Examples[0])
	if err == nil {
		text, err = yaml.YAMLToJSON(text)
	}
	var out bytes.Buffer
	if err == nil {
		err = json.Indent(&out, text, "", "  ")
	}
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// kind says in a word or two what a value is, and of which schema.
func (s *schema) kind() (kind, link string) {
	switch {
	case s.Ref != "":
		return last(s.Ref), last(s.Ref)
	case s.Items != nil:
		kind, link = s.Items.kind()
		return "list of " + kind, link
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, ", "), ""
	case s.Format == "date-time":
		return "moment", ""
	case s.Type == "object":
		return "names and texts", ""
	}
	return s.Type, ""
}

// fields lists the properties of a schema and of those it is made of.
func (s *spec) fields(sc *schema) (all []fieldView, err error) {
	for _, part := range sc.AllOf {
		if part.Ref != "" {
			for _, item := range s.Components.Schemas {
				if item.Key == last(part.Ref) {
					if part, err = again[schema](item.Value); err != nil {
						return nil, err
					}
				}
			}
		}
		inner, err := s.fields(&part)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	for _, p := range sc.Properties {
		of, err := again[schema](p.Value)
		if err != nil {
			return nil, err
		}
		f := fieldView{Name: fmt.Sprint(p.Key), Description: of.Description, ReadOnly: of.ReadOnly}
		f.Required = slices.Contains(sc.Required, f.Name)
		f.Kind, f.Link = of.kind()
		all = append(all, f)
	}
	return all, nil
}
