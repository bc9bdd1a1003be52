package admin

import (
	"context"

	"github.com/tokenbooth/tokenbooth/internal/office"
)

// GetSettings answers all settings.
func (a *api) GetSettings(ctx context.Context, _ GetSettingsRequestObject) (GetSettingsResponseObject, error) {
	all, err := a.staff(ctx).Settings()
	if err != nil {
		return nil, err
	}
	return GetSettings200JSONResponse(settingsOut(all)), nil
}

// GetTenantSettings answers the settings of a tenant.
func (a *api) GetTenantSettings(ctx context.Context, in GetTenantSettingsRequestObject) (GetTenantSettingsResponseObject, error) {
	own, err := a.desk(ctx, in.Tenant).Settings()
	if err != nil {
		return nil, err
	}
	return GetTenantSettings200JSONResponse(settingsOut(own)), nil
}

func settingsOut(all []office.Setting) SettingList {
	out := SettingList{Settings: []Setting{}}
	for _, s := range all {
		out.Settings = append(out.Settings, Setting{Field: s.Field, Value: s.Value, Place: s.Place})
	}
	return out
}
